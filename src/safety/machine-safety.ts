import { listEntries } from '../binfmt/entries.ts';
import { inspectInstance } from '../binfmt/instance/instance.ts';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { overlap } from '../rule/algebra.ts';
import { HEAD_SIZE } from '../rule/check.ts';
import { parseShebang } from '../rule/execution/shebang.ts';
import type { Errno, Executable } from '../rule/execution/types.ts';
import { matches } from '../rule/match.ts';
import type { MagicPattern, Pattern, Rule } from '../rule/types.ts';
import { errnoOf } from '../system/file/file-error.ts';
import { readHead } from '../system/file/head.ts';
import { type FindPrograms, programFinder } from '../system/process/program-directories.ts';
import { findConcerned } from './interpreter-chain.ts';
import { findNatives, type Natives } from './natives.ts';
import { assertSafe, scriptWarning } from './pattern-safety.ts';
import type { Machine, NativeProgram } from './types.ts';

export interface SafetyOptions {
  /** The other rules of the instance; by default its current entries. */
  readonly entries?: readonly Rule[] | undefined;
  /** What runs natively, if already known. */
  readonly natives?: Natives | undefined;
}

/**
 * Finds the rules that would break programs of this machine, each with its UNSAFE_RULE. Checks each rule together with
 * all others of the request and with the entries of the instance.
 */
export async function findUnsafe(
  rules: readonly Rule[],
  context: Context,
  { entries = currentEntries(context), natives: known }: SafetyOptions = {},
): Promise<ReadonlyMap<Rule, BinfmtctlError>> {
  if (rules.length === 0) return new Map();
  // Skips probes, which take milliseconds, for arches that no rule can match.
  const natives =
    known ??
    (await findNatives(context, (native) =>
      rules.some(({ pattern }) => pattern.type === 'magic' && overlap(pattern, native)),
    ));
  const machine = machineOf(natives);
  // A rule that is unsafe on its own must not affect the others of its file.
  const unsafe = new Map(judge(rules, () => [], [], machine));
  // A refused rule does not replace the entry of its name, so the others are checked again with that entry.
  for (let before = -1; before !== unsafe.size; ) {
    before = unsafe.size;
    const sound = rules.filter((rule) => !unsafe.has(rule));
    const names = new Set(sound.map(({ name }) => name));
    const kept = entries.filter(({ name }) => !names.has(name));
    const othersOf = (rule: Rule): readonly Rule[] => [...sound.filter((other) => other !== rule), ...kept];
    // The remaining rules are safe on their own and unrelated to these.
    const concerned = findConcerned(sound, kept, machine);
    const found = judge(concerned, othersOf, kept, machine);
    for (const [rule, error] of found) unsafe.set(rule, error);
  }
  return unsafe;
}

function judge(
  rules: readonly Rule[],
  othersOf: (rule: Rule) => readonly Rule[],
  entries: readonly Rule[],
  machine: Machine,
): ReadonlyMap<Rule, BinfmtctlError> {
  const unsafe = new Map<Rule, BinfmtctlError>();
  for (const rule of rules) {
    try {
      assertSafe(rule, othersOf(rule), machine, entries);
    } catch (error) {
      if (!(error instanceof BinfmtctlError)) throw error;
      unsafe.set(rule, error);
    }
  }
  return unsafe;
}

/** @throws UNSAFE_RULE for the first unsafe rule. */
export async function requireSafe(
  rules: readonly Rule[],
  context: Context,
  options: SafetyOptions = {},
): Promise<void> {
  const [first] = (await findUnsafe(rules, context, options)).values();
  if (first !== undefined) throw first;
}

/** Warns about rules that are safe but also match some scripts. */
export function warnOfScripts(rules: readonly Rule[], { report }: Pick<Context, 'report'>): void {
  for (const text of rules.flatMap((rule) => scriptWarning(rule) ?? [])) report({ kind: 'warning', text });
}

function currentEntries({ binfmtDirectory }: Context): readonly Rule[] {
  return inspectInstance(binfmtDirectory).mounted ? listEntries(binfmtDirectory) : [];
}

function machineOf({ patterns, unproven }: Natives): Machine {
  const unprovenPatterns = unproven.flatMap((each) => each.patterns);
  const isNative = (head: Uint8Array): boolean =>
    [...patterns, ...unprovenPatterns].some(({ pattern }) => matches(pattern, head, ''));
  const files = new Map<string, Executable | Errno>();
  const open = (path: string): Executable | Errno => {
    const file = files.get(path) ?? openProgram(path, isNative);
    files.set(path, file);
    return file;
  };
  const find = programFinder();
  return {
    natives: patterns,
    unproven: unprovenPatterns,
    open,
    programs: (pattern) => programsFor(pattern, find, isNative),
  };
}

/** The installed native programs that match a pattern, except AppImages, which rules may match. */
function programsFor(
  pattern: Pattern,
  find: FindPrograms,
  isNative: (head: Uint8Array) => boolean,
): readonly NativeProgram[] {
  return find(pattern.type === 'extension' ? pattern.extension : null).filter(
    ({ path, head }) =>
      matches(pattern, head, path) &&
      !isAppImage(head) &&
      (head.length === 0 || isNative(head) || parseShebang(head) !== null),
  );
}

/** `AI` and the type, 1 or 2, at byte 8 (https://github.com/AppImage/AppImageSpec, "Image format"). */
const APP_IMAGES: readonly MagicPattern[] = [1, 2].map((type) => ({
  type: 'magic',
  offset: 8,
  magic: Uint8Array.of(0x41, 0x49, type),
  mask: null,
}));
const isAppImage = (head: Uint8Array): boolean => APP_IMAGES.some((pattern) => matches(pattern, head, ''));

function openProgram(path: string, isNative: (head: Uint8Array) => boolean): Executable | Errno {
  try {
    const head = readHead(path, HEAD_SIZE);
    return { head, native: isNative(head) };
  } catch (error) {
    return (errnoOf(error) ?? 'EIO') as Errno;
  }
}
