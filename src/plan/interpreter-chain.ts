/** The chain from a rule's interpreter to the program that runs: where rules divert or close it. */
import { HEAD_SIZE } from '../rule/check.ts';
import { execute, MAX_REWRITES } from '../rule/execute.ts';
import type { Executable, Execution } from '../rule/execution.ts';
import { matches } from '../rule/match.ts';
import { parseShebang } from '../rule/shebang.ts';
import type { Rule } from '../rule/types.ts';
import type { Machine } from './safety.ts';

/** One file on the way from an interpreter to the program that runs. */
interface Link {
  readonly path: string;
  readonly head: Uint8Array;
  /** Whether the kernel itself runs it, as a program or as a script. */
  readonly native: boolean;
}

/**
 * What `rule` does to the chains of interpreters, its own included: a predicate for a message, or null if it leaves all
 * of them alone. Each link is a path that the kernel looks up like any program (fs/exec.c exec_binprm()), `#!` lines and
 * other rules included.
 */
export function findChainFault(rule: Rule, others: readonly Rule[], machine: Machine): string | null {
  const all = [rule, ...others.filter(({ name }) => name !== rule.name)];
  const chains = all.map((each) => linksOf(each.interpreter, machine));
  const isTaken = ({ path, head }: Link): boolean => matches(rule.pattern, head, path);
  // An interpreter that is not there yet can only be taken by its name.
  const isNamed =
    rule.pattern.type === 'extension' && matches(rule.pattern, new Uint8Array(), rule.interpreter);
  if (isNamed || chains[0]?.some(isTaken)) return 'would take over its own interpreter';
  for (const [index, links] of chains.entries()) {
    const taken = links.find((link) => link.native && isTaken(link));
    if (taken !== undefined) return `would take over ${taken.path}, which runs entry ${all[index]?.name}`;
  }
  // Only now the rules are followed: few interpreters are themselves taken by a rule.
  const isServed = (chains[0] ?? []).some(({ path, head }) =>
    others.some(({ pattern }) => matches(pattern, head, path)),
  );
  if (!isServed && !chains.some((links) => links.some(isTaken))) return null;
  const looping = all.find(
    (each) => loops(each, all, machine) && (each === rule || !loops(each, all.slice(1), machine)),
  );
  return looping === undefined ? null : faultOf(rule, looping, all, machine);
}

function faultOf(rule: Rule, looping: Rule, all: readonly Rule[], machine: Machine): string {
  const rewrites = follow(looping, all, machine)?.rewrites ?? [];
  const names = [...new Set(rewrites.flatMap(({ entry }) => entry ?? []))].filter(
    (name) => name !== rule.name,
  );
  const whose =
    looping === rule ? 'its own interpreter' : `${looping.interpreter}, which runs entry ${looping.name}`;
  return `would take over ${whose}, in a loop with ${names.join(', ')}`;
}

/** An interpreter, the interpreter that its `#!` line names, and so on. */
function linksOf(interpreter: string, { open }: Machine): readonly Link[] {
  const links: Link[] = [];
  for (let path: string | undefined = interpreter; path !== undefined; ) {
    const file = open(path);
    if (typeof file === 'string' || links.some((link) => link.path === path)) break;
    const shebang = parseShebang(file.head.subarray(0, HEAD_SIZE));
    links.push({ path, head: file.head, native: file.native || shebang !== null });
    path = shebang?.interpreter;
  }
  return links;
}

/** Whether a file that `rule` takes ends in ELOOP. */
function loops(rule: Rule, all: readonly Rule[], machine: Machine): boolean {
  const execution = follow(rule, all, machine);
  if (execution === null) return false;
  const { rewrites, outcome } = execution;
  // The file itself has been rewritten once before.
  return rewrites.length >= MAX_REWRITES || (outcome.kind === 'fails' && outcome.why === 'loop');
}

/** What happens to the interpreter of `rule`; null if it cannot be opened. */
function follow(rule: Rule, all: readonly Rule[], { open }: Machine): Execution | null {
  const file = open(rule.interpreter);
  if (typeof file === 'string') return null;
  const entries = all.map((each) => ({ ...each, enabled: true }));
  const held = ({ interpreter }: Rule): Executable => {
    const kept = open(interpreter);
    return typeof kept === 'string' ? { head: new Uint8Array(), native: true } : kept;
  };
  return execute(rule.interpreter, file, [rule.interpreter], { entries, enabled: true, open, held });
}
