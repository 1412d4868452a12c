/** Executes programs with the registered rules, and returns those that behave differently than before. */
import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { parseShebang } from '../../../../src/rule/execution/shebang.ts';
import { matches } from '../../../../src/rule/match.ts';
import type { Rule } from '../../../../src/rule/types.ts';
import { tryReadHead } from '../../../../src/system/file/head.ts';
import type { Launcher, Outcome } from '../../launcher.ts';

export interface Observation {
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** Output of the scripts. */
  readonly output: string;
}

export async function observe(
  paths: readonly string[],
  launcher: Launcher,
  directory: string,
): Promise<Observation> {
  if (paths.length === 0) return { outcomes: new Map(), output: '' };
  const outcomes = await launcher.launch(paths.map((path) => Buffer.from(path)));
  const reports = join(directory, 'reports');
  const output = readFileSync(reports, 'latin1');
  truncateSync(reports);
  return { outcomes: new Map(paths.map((path, index) => [path, outcomes[index] as Outcome])), output };
}

/** Programs whose result differs from `expected`. */
export const changedIn = ({ outcomes }: Observation, expected: ReadonlyMap<string, Outcome>) =>
  [...outcomes].flatMap(([path, outcome]) =>
    expected.get(path) === outcome ? [] : [{ path, outcome, expected: expected.get(path) }],
  );

/** ENOENT, ENOEXEC, EACCES, ELOOP, ELIBBAD, or a signal. */
export const isFailure = (outcome: Outcome): boolean => [2, 8, 13, 40, 80].includes(outcome) || outcome < 0;

/** Whether one of the rules matches a program, or an interpreter that its `#!` lines lead to. */
export const isTakenBy = (rules: readonly Rule[], path: string): boolean =>
  linksOf(path).some((link) => rules.some(({ pattern }) => matches(pattern, link.head, link.path)));

interface Link {
  readonly path: string;
  readonly head: Uint8Array;
}

const links = new Map<string, readonly Link[]>();

function linksOf(path: string): readonly Link[] {
  const known = links.get(path);
  if (known !== undefined) return known;
  const head = tryReadHead(path, 256) ?? new Uint8Array();
  const next = parseShebang(head)?.interpreter;
  const found = [{ path, head }, ...(next === undefined || next === path ? [] : linksOf(next))];
  links.set(path, found);
  return found;
}
