/**
 * The safety check against the kernel: random rules through every command; then every native program is executed with
 * the accepted ones.
 *   node scripts/differential.mjs safety --count 200000 --seed 1
 * SAFETY_CHECK disables part of the check (`none`, `no-extensions`, `no-magic`): the oracle must then find rules that
 * change programs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listEntries } from '../../src/binfmt/entries.ts';
import type { Context } from '../../src/context.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import type { MagicPattern, Rule } from '../../src/rule/types.ts';
import { findNatives, type Natives } from '../../src/safety/natives.ts';
import { tryReadHead } from '../../src/system/file/head.ts';
import { amount } from '../stress.ts';
import { type Launcher, type Outcome, startLauncher } from './launcher.ts';
import { BINFMT, removeAllEntries, switchEntry } from './support/machine.ts';
import { type Door, libraryDoor, slowDoors } from './support/safety/doors.ts';
import { changedIn, isFailure, isTakenBy, type Observation, observe } from './support/safety/oracle.ts';
import { type Files, makeFiles } from './support/safety/programs.ts';
import { type Material, type Random, randomFrom, randomRules } from './support/safety/rules.ts';

const SETS = amount(100, 300, 'SAFETY_SETS');
const SEED = Number(process.env['SAFETY_SEED'] ?? 1);
const CHECK = process.env['SAFETY_CHECK'] ?? 'whole';
/** Interval, in sets, at which long runs print figures. */
const PROGRESS = 10_000;
/** One in this many sets executes the slow programs, which no rule of the set matches. */
const SLOW_SHARE = 50;
/** One in this many sets uses a command with files, locks and journals. */
const SLOW_DOOR_SHARE = 16;
const FEWEST_PROGRAMS = 20;
/** Enough sets for every command to accept some. */
const MANY = 2000;
const { PATH } = process.env;

let directory: string;
let launcher: Launcher;
let files: Files;
let context: Context;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'safety-'));
  files = makeFiles(directory);
  process.env['PATH'] = `${files.binDirectory}:${PATH}`;
  launcher = startLauncher(directory);
  context = {
    catalogue: builtinCatalogue(),
    binfmtDirectory: BINFMT,
    store: join(directory, 'store'),
    report: () => {},
    signal: new AbortController().signal,
  };
});
afterAll(async () => {
  process.env['PATH'] = PATH;
  removeAllEntries();
  await launcher.stop();
  rmSync(directory, { recursive: true });
});

describe('the safety check', () => {
  it(`accepts no rule of ${SETS} sets that changes a native program`, async () => {
    const baseline = await findBaseline();
    expect(baseline.programs.length).toBeGreaterThanOrEqual(FEWEST_PROGRAMS);
    const random = randomFrom(SEED);
    const material = materialOf(baseline.programs, files.interpreters);
    const doors = await findDoors();
    const count = { sets: 0, acceptedSets: 0, rules: 0, registered: 0, executions: 0 };
    const byDoor: Record<string, number> = {};
    const violations: unknown[] = [];
    for (; count.sets < SETS && violations.length < 5; count.sets++) {
      const rules = randomRules(random, material);
      const door = pickDoor(doors, random);
      const registered = await registerThrough(door, rules, random(2) === 0);
      count.rules += rules.length;
      count.registered += registered.length;
      if (count.sets % PROGRESS === PROGRESS - 1) console.log(`seed ${SEED}: ${JSON.stringify(count)}`);
      if (registered.length === 0) continue;
      count.acceptedSets++;
      byDoor[door.name] = (byDoor[door.name] ?? 0) + 1;
      const slow =
        random(SLOW_SHARE) === 0 ? files.slow : files.slow.filter((path) => isTakenBy(registered, path));
      const others = [...slow, ...ownInterpreters(registered, baseline)];
      const after = await look(baseline.programs);
      const around = await look(others);
      count.executions += after.outcomes.size + around.outcomes.size;
      for (const { name } of registered) switchEntry(name, 'gone');
      const changed = [after, around].flatMap((seen) => changedIn(seen, baseline.works));
      const isOutputChanged = after.output !== baseline.output;
      if (changed.length > 0 || isOutputChanged)
        violations.push({
          set: count.sets,
          door: door.name,
          rules: registered.map(shown),
          changed,
          isOutputChanged,
        });
    }
    console.log(`safety ${CHECK}, seed ${SEED}: ${JSON.stringify({ ...count, byDoor })}`);
    expect(violations).toEqual([]);
    expect(count.acceptedSets / count.sets).toBeGreaterThan(0.3);
    const names = new Set([...doors.library, ...doors.slow].map(({ name }) => name));
    if (SETS >= MANY) expect(new Set(Object.keys(byDoor))).toEqual(names);
  });
});

const look = (paths: readonly string[]): Promise<Observation> => observe(paths, launcher, directory);

interface Baseline {
  /** The native programs that work here: i386 programs fail if the kernel does not run them. */
  readonly programs: readonly string[];
  /** Results of programs and interpreters without any rule. */
  readonly works: ReadonlyMap<string, Outcome>;
  /** For the native programs. */
  readonly output: string;
}

async function findBaseline(): Promise<Baseline> {
  const { natives, slow, runnable } = files;
  const { outcomes } = await look([...natives, ...slow, ...runnable]);
  const works = new Map([...outcomes].filter(([, outcome]) => !isFailure(outcome)));
  const programs = natives.filter((path) => works.has(path));
  return { programs, works, output: (await look(programs)).output };
}

/** Registers the rules in one request, or one by one. */
async function registerThrough(
  door: Door,
  rules: readonly Rule[],
  isOneRequest: boolean,
): Promise<readonly Rule[]> {
  for (const request of isOneRequest ? [rules] : rules.map((rule) => [rule])) await door.register(request);
  return listEntries(BINFMT);
}

/** Interpreters of the rules that run without any rule: the check does not allow any entry to match them. */
const ownInterpreters = (rules: readonly Rule[], { works }: Baseline): readonly string[] =>
  [...new Set(rules.map(({ interpreter }) => interpreter))].filter(
    (path) => works.has(path) && files.runnable.includes(path),
  );

/** What runs natively according to the built-in catalogue, and users' catalogues that contradict this machine. */
async function findDoors(): Promise<Doors> {
  const known = await knownNatives();
  return {
    library: known.map((natives) => libraryDoor(context, natives, CHECK)),
    slow: CHECK === 'whole' ? slowDoors(context, directory) : [],
  };
}

interface Doors {
  readonly library: readonly Door[];
  readonly slow: readonly Door[];
}

function pickDoor({ library, slow }: Doors, random: Random): Door {
  const doors = slow.length > 0 && random(SLOW_DOOR_SHARE) === 0 ? slow : library;
  return doors[random(doors.length)] as Door;
}

async function knownNatives(): Promise<readonly Natives[]> {
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
