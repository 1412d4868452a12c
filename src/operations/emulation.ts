import { accessSync, constants } from 'node:fs';
import { archPattern } from '../catalogue/resolve.ts';
import type { Arch } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { readEntries } from '../kernel/entries.ts';
import { inspectInstance } from '../kernel/instance.ts';
import { refuseUnsafe } from '../plan/safety.ts';
import { builtinCatalogue } from '../profiles/builtin.ts';
import { overlap } from '../rule/algebra.ts';
import { HEAD_SIZE } from '../rule/check.ts';
import { firstMatch } from '../rule/match.ts';
import type { Entry, Rule } from '../rule/types.ts';
import { tryReadHead } from '../system/head.ts';
import { resolveInRoot } from '../system/root-path.ts';
import type { Context } from './context.ts';
import { findNatives, type Natives } from './natives.ts';
import { NOTHING, type OwnRule, recall, remember } from './remembered.ts';
import { keepingWarnings } from './warnings.ts';

/** Who runs the programs of an arch. */
export interface EmulatedArch {
  readonly arch: string;
  /** `machine`: without emulator. `entry`: an entry that was there. `private`: one that lives as long as the program.
   * `direct`: the emulator itself, so that what the program starts is not emulated. */
  readonly by: 'machine' | 'entry' | 'private' | 'direct';
  readonly entry: string | null;
  /** Path of the emulator. */
  readonly emulator: string | null;
  /** Null where it is not known. */
  readonly version: string | null;
}

export interface Emulation {
  readonly arches: readonly EmulatedArch[];
  /** What a private instance has to hold, as the kernel tries it; null where none is needed. */
  readonly rules: readonly Rule[] | null;
  /** What is known to be wrong with the emulators, in full sentences. */
  readonly warnings: readonly string[];
}

/** What programs have to run, and what may be taken for it. */
export interface EmulationRequest {
  readonly arches: readonly Arch[];
  /** Every arch that an emulator is found for, besides `arches`. */
  readonly all: boolean;
  readonly sources: readonly string[];
  readonly emulator?: string | undefined;
  readonly allowUnverified?: boolean | undefined;
}

/**
 * Finds who runs programs of the arches in `root`, or on this machine where that is null: the machine itself, entries
 * that are there, or emulators, found or fetched, for an instance of their own. Such a one hides the entries that are there
 * (fs/binfmt_misc.c current_binfmt_misc()), so that it takes over those that can be.
 *
 * @throws EMULATOR_NOT_FOUND, EMULATOR_UNFIT, SOURCE_FAILED and what `obtainEmulators` throws; UNSAFE_RULE.
 */
export async function findEmulation(
  request: EmulationRequest,
  root: string | null,
  context: Context,
): Promise<Emulation> {
  const entries = servingEntries(context);
  const natives = await findNatives(context, (native) =>
    request.arches.some((arch) => overlap(archPattern(arch), native)),
  );
  const isNative = ({ id }: Arch): boolean => natives.arches.some((native) => native.id === id);
  const wanted = request.all
    ? [...new Set([...request.arches, ...Object.values(context.catalogue.arches)])]
    : request.arches;
  const served = wanted.flatMap((arch) => whoServes(arch, isNative(arch), entries, root) ?? []);
  const open = wanted.filter(({ id }) => !served.some(({ arch }) => arch === id));
  if (open.length === 0) return { arches: served, rules: null, warnings: [] };
  const own = await findOwnRules(open, request, entries, natives, context);
  requireAll(request.arches, [...served, ...own]);
  const emulated = own.map(
    ({ arch, rule, version }): EmulatedArch => ({
      arch,
      by: 'private',
      entry: rule.name,
      emulator: rule.interpreter,
      version,
    }),
  );
  const names = own.map(({ rule }) => rule.name);
  const kept = entries.filter((entry) => isCopyable(entry) && !names.includes(entry.name));
  return {
    arches: [...served, ...emulated],
    rules: own.length === 0 ? null : [...own.map(({ rule }) => rule), ...kept],
    warnings: own.flatMap(({ warnings }) => warnings),
  };
}

/** A rule for each arch, as far as there are emulators: those of the last time, or found and fetched. */
async function findOwnRules(
  arches: readonly Arch[],
  request: EmulationRequest,
  entries: readonly Entry[],
  natives: Natives,
  context: Context,
): Promise<readonly OwnRule[]> {
  const { sources, emulator } = request;
  const isUsual = sources.length === 0 && emulator === undefined && context.catalogue === builtinCatalogue();
  const memory = isUsual ? recall(context) : NOTHING;
  const recalled = memory.rules.filter(({ arch }) => arches.some(({ id }) => id === arch));
  // What nothing was found for the last time that all were asked for is not looked for with all again.
  const wanted = memory.all ? arches.filter((arch) => request.arches.includes(arch)) : arches;
  const open = wanted.filter(({ id }) => !recalled.some(({ arch }) => arch === id));
  const found = open.length === 0 ? [] : await obtainRules(open, request, entries, natives, context);
  if (isUsual && found.length > 0) await remember({ rules: found, all: request.all }, context);
  for (const { rule } of recalled)
    refuseUnsafe(rule, natives.patterns, tryReadHead(rule.interpreter, HEAD_SIZE));
  return [...recalled, ...found];
}

async function obtainRules(
  arches: readonly Arch[],
  request: EmulationRequest,
  entries: readonly Entry[],
  natives: Natives,
  context: Context,
): Promise<readonly OwnRule[]> {
  const [{ obtainEmulators }, { ruleFor }] = await Promise.all([
    import('./emulators.ts'),
    import('./wanted.ts'),
  ]);
  // Said on request only: a program's standard error is its own.
  const { context: quiet, warnings } = keepingWarnings(context, { silent: true });
  const { found } = await obtainEmulators(arches, entries, natives, { ...request, dryRun: false }, quiet);
  return Promise.all(
    found.map(async (each, index): Promise<OwnRule> => {
      // Only this namespace is concerned: set-user-id programs may be what they are on their own machine.
      const rule = await ruleFor(each, { credentials: true, persist: 'none' });
      refuseUnsafe(rule, natives.patterns, each.emulator.head);
      const { version } = each.emulator;
      return { arch: each.arch.id, rule, version, warnings: index === 0 ? warnings : [] };
    }),
  );
}

/** The enabled entries of the instance that serves us, newest first; none where there is none. */
export function servingEntries({ binfmtDirectory }: Pick<Context, 'binfmtDirectory'>): readonly Entry[] {
  const { mounted, enabled } = inspectInstance(binfmtDirectory);
  if (!mounted || enabled === false) return [];
  return readEntries(binfmtDirectory).entries.filter((entry) => entry.enabled);
}

/** Whether an entry can run programs in a root: its interpreter was opened when it was made, or is there by the same path. */
export function reaches({ flags, interpreter }: Entry, root: string | null): boolean {
  if (flags.includes('F')) return true;
  return isExecutable(root === null ? interpreter : resolveInRoot(root, interpreter));
}

function whoServes(
  arch: Arch,
  native: boolean,
  entries: readonly Entry[],
  root: string | null,
): EmulatedArch | null {
  const nobody = { arch: arch.id, entry: null, emulator: null, version: null };
  const entry = firstMatch(entries, archPattern(arch).magic, arch.id);
  if (entry !== null && reaches(entry, root)) {
    return { ...nobody, by: 'entry', entry: entry.name, emulator: entry.interpreter };
  }
  return native ? { ...nobody, by: 'machine' } : null;
}

function requireAll(wanted: readonly Arch[], served: readonly { readonly arch: string }[]): void {
  const missing = wanted.find(({ id }) => !served.some(({ arch }) => arch === id));
  if (missing === undefined) return;
  throw new BinfmtctlError('EMULATOR_NOT_FOUND', `no emulator for ${missing.id} was found`, {
    hint: 'name a file with --source path:FILE or a folder with --source dir:DIR',
  });
}

function isCopyable(entry: Entry): boolean {
  if (entry.extra !== undefined) return false;
  return !entry.flags.includes('F') || isExecutable(entry.interpreter);
}

function isExecutable(path: string | null): boolean {
  try {
    if (path === null) return false;
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
