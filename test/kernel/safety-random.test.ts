/**
 * The safety check against the kernel: random rules, those that it accepts registered, and native programs executed.
 *   node scripts/differential.mjs safety --count 200000 --seed 1
 * SAFETY_CHECK leaves out part of the check (`none`, `no-extensions`, `no-magic`): the oracle must then find rules that
 * change programs.
 */
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BinfmtctlError } from '../../src/errors.ts';
import { register } from '../../src/kernel/register.ts';
import type { Context } from '../../src/operations/context.ts';
import { findNatives, type Natives } from '../../src/operations/natives.ts';
import { findUnsafe } from '../../src/operations/safety.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { matches } from '../../src/rule/match.ts';
import { parseShebang } from '../../src/rule/shebang.ts';
import type { MagicPattern, Rule } from '../../src/rule/types.ts';
import { tryReadHead } from '../../src/system/head.ts';
import { type Launcher, type Outcome, startLauncher } from './launcher.ts';
import { BINFMT, removeAllEntries, switchEntry } from './support/machine.ts';
import { type Files, makeFiles } from './support/safety/programs.ts';
import { type Material, type Random, randomFrom, randomRules } from './support/safety/rules.ts';

const SETS = Number(process.env['SAFETY_SETS'] ?? 300);
const SEED = Number(process.env['SAFETY_SEED'] ?? 1);
const CHECK = process.env['SAFETY_CHECK'] ?? 'whole';
/** In long runs one in so many accepted sets is tried with all programs, the others with a few at random. */
const FULL_SHARE = SETS > 1000 ? 50 : 1;
const FEW = 3;
/** Long runs print their figures after so many sets. */
const PROGRESS = 10_000;
const SLOW_SHARE = 50;
const { PATH } = process.env;

let directory: string;
let launcher: Launcher;
let files: Files;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'safety-'));
  files = makeFiles(directory);
  process.env['PATH'] = `${files.binDirectory}:${PATH}`;
  launcher = startLauncher(directory);
});
afterAll(async () => {
  process.env['PATH'] = PATH;
  removeAllEntries();
  await launcher.stop();
  rmSync(directory, { recursive: true });
});

interface Seen {
  readonly path: string;
  readonly outcome: Outcome;
}

describe('the safety check', () => {
  it(`accepts no rule of ${SETS} sets that changes a native program`, async () => {
    const { slow, interpreters, runnable } = files;
    const before = await observe([...files.natives, ...slow, ...runnable]);
    // An i386 program fails where the kernel does not run it.
    const works = new Map(
      before.programs.filter(({ outcome }) => !isFailure(outcome)).map((each) => [each.path, each.outcome]),
    );
    const fast = files.natives.filter((path) => works.has(path));
    expect(fast.length).toBeGreaterThanOrEqual(20);
    const fastOutput = (await observe(fast)).output;

    const context = contextOf();
    const known = await knownNatives(context);
    const random = randomFrom(SEED);
    const material = materialOf(fast, interpreters);
    const count = { sets: 0, acceptedSets: 0, rules: 0, acceptedRules: 0, registered: 0, executions: 0 };
    const violations: unknown[] = [];
    for (; count.sets < SETS && violations.length < 5; count.sets++) {
      const rules = randomRules(random, material);
      const isOneRequest = random(2) === 0;
      const natives = known[random(known.length)] as Natives;
      const accepted = await acceptedOf(rules, context, natives, isOneRequest);
      count.rules += rules.length;
      if (count.sets % PROGRESS === PROGRESS - 1) console.log(`seed ${SEED}: ${JSON.stringify(count)}`);
      count.acceptedRules += accepted.length;
      if (accepted.length === 0) continue;
      count.acceptedSets++;
      const registered = accepted.filter(tryRegister);
      count.registered += registered.length;
      // An entry may take a file that no entry named so far; a later rule with that interpreter changes nothing.
      const isTakenBefore = (path: string, index: number): boolean =>
        !isOneRequest && isTakenBy(registered.slice(0, index), path);
      const own = registered
        .filter(({ interpreter }, index) => !isTakenBefore(interpreter, index))
        .map(({ interpreter }) => interpreter)
        .filter((path) => works.has(path) && runnable.includes(path));
      const programs = [...chosen(fast, slow, registered, random), ...own];
      const after = await observe(programs);
      count.executions += programs.length;
      for (const { name } of registered) switchEntry(name, 'gone');
      const changed = after.programs.filter(({ path, outcome }) => works.get(path) !== outcome);
      const isOutputChanged = isDeepStrictEqual(programs, fast) && after.output !== fastOutput;
      if (changed.length > 0 || isOutputChanged)
        violations.push({ set: count.sets, rules: registered.map(shown), changed, isOutputChanged });
    }
    console.log(`safety ${CHECK}, seed ${SEED}: ${JSON.stringify(count)}`);
    expect(violations).toEqual([]);
    expect(count.acceptedSets / count.sets).toBeGreaterThan(0.3);
  });
});

/** All programs that a rule matches, on any level of their `#!` lines, and others at random: to execute all takes 20 ms. */
function chosen(
  fast: readonly string[],
  slow: readonly string[],
  rules: readonly Rule[],
  random: Random,
): readonly string[] {
  const isTaken = (path: string): boolean => isTakenBy(rules, path);
  const slowOnes = random(SLOW_SHARE) === 0 ? slow : slow.filter(isTaken);
  if (random(FULL_SHARE) === 0) return slowOnes.length === 0 ? fast : [...fast, ...slowOnes];
  const few = Array.from({ length: FEW }, () => fast[random(fast.length)] as string);
  return [...new Set([...few, ...fast.filter(isTaken), ...slowOnes])];
}

const isTakenBy = (rules: readonly Rule[], path: string): boolean =>
  linksOf(path).some((link) => rules.some(({ pattern }) => matches(pattern, link.head, link.path)));

interface Link {
  readonly path: string;
  readonly head: Uint8Array;
}

const links = new Map<string, readonly Link[]>();

/** A program, the interpreter that its `#!` line names, and so on. */
function linksOf(path: string): readonly Link[] {
  const known = links.get(path);
  if (known !== undefined) return known;
  const head = tryReadHead(path, 256) ?? new Uint8Array();
  const next = parseShebang(head)?.interpreter;
  const found = [{ path, head }, ...(next === undefined ? [] : linksOf(next))];
  links.set(path, found);
  return found;
}

const isFailure = (outcome: Outcome): boolean => [2, 8, 13, 40, 80].includes(outcome) || outcome < 0;

async function observe(paths: readonly string[]): Promise<{ programs: readonly Seen[]; output: string }> {
  const outcomes = await launcher.launch(paths.map((path) => Buffer.from(path)));
  const reports = join(directory, 'reports');
  const output = readFileSync(reports, 'latin1');
  truncateSync(reports);
  return { programs: paths.map((path, index) => ({ path, outcome: outcomes[index] as Outcome })), output };
}

const contextOf = (): Context => ({
  catalogue: builtinCatalogue(),
  binfmtDirectory: BINFMT,
  store: join(directory, 'store'),
  report: () => {},
  signal: new AbortController().signal,
});

/** What runs natively, as the built-in catalogue lets it be found, and users' catalogues that contradict this machine. */
async function knownNatives(context: Context): Promise<readonly Natives[]> {
  const { arches } = context.catalogue;
  const own = await findNatives(context);
  const { host } = own;
  const wrong = { ...host, elf: { ...host.elf, machine: 0x1234 } };
  const misled = await findNatives({
    ...context,
    catalogue: { ...context.catalogue, arches: { ...arches, [host.id]: wrong } },
  });
  return [own, own, misled];
}

function materialOf(programs: readonly string[], interpreters: readonly string[]): Material {
  const heads = [...programs, ...interpreters].flatMap((path) => {
    const head = tryReadHead(path, 128);
    return head === null || head.length === 0 ? [] : [head];
  });
  const patterns = Object.values(builtinCatalogue().arches).map(({ magic, mask }): MagicPattern => {
    const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
    return { type: 'magic', offset: 0, magic: bytes(magic), mask: bytes(mask) };
  });
  return { heads, interpreters, patterns };
}

/** Half of the sets come as one request, half as one rule after the other. */
async function acceptedOf(
  rules: readonly Rule[],
  context: Context,
  natives: Natives,
  isOneRequest: boolean,
): Promise<readonly Rule[]> {
  const check = async (some: readonly Rule[], entries: readonly Rule[]): Promise<readonly Rule[]> => {
    const unsafe = await findUnsafe(some, context, { entries, natives });
    return some.filter((rule) => !unsafe.has(rule) || isLeftOut(rule));
  };
  if (isOneRequest) return check(rules, []);
  const accepted: Rule[] = [];
  for (const rule of rules) accepted.push(...(await check([rule], [...accepted].reverse())));
  return accepted;
}

const isLeftOut = ({ pattern }: Rule): boolean =>
  CHECK === 'none' ||
  (CHECK === 'no-extensions' && pattern.type === 'extension') ||
  (CHECK === 'no-magic' && pattern.type === 'magic');

/** The kernel refuses a missing interpreter with F, for one. */
function tryRegister(rule: Rule): boolean {
  try {
    register(BINFMT, rule);
    return true;
  } catch (error) {
    if (error instanceof BinfmtctlError) return false;
    throw error;
  }
}

const shown = ({ pattern, interpreter, flags }: Rule) => ({
  pattern:
    pattern.type === 'extension'
      ? `.${pattern.extension}`
      : [
          pattern.offset,
          Buffer.from(pattern.magic).toString('hex'),
          pattern.mask && Buffer.from(pattern.mask).toString('hex'),
        ],
  interpreter,
  flags: flags.join(''),
});
