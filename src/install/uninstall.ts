import { openInterpreters } from '../binfmt/checked-interpreters.ts';
import { listEntries } from '../binfmt/entries.ts';
import { bootFormatOf } from '../boot/boot-file.ts';
import { BOOT_DIRECTORIES } from '../boot/paths.ts';
import { archPattern, findArch } from '../catalogue/resolve.ts';
import type { Arch, Catalogue } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { overlap } from '../rule/algebra.ts';
import { equalRules } from '../rule/equal.ts';
import { isGlob, matchesGlob } from '../rule/glob.ts';
import type { Entry } from '../rule/types.ts';
import { changeInstance } from '../state/instance-change.ts';
import { withStoreLock } from '../state/lock.ts';
import {
  type DamagedRegistration,
  readAllRegistrations,
  type StoredRegistration,
} from '../state/registrations.ts';
import { repair } from '../state/repair.ts';
import type { Step } from '../state/steps.ts';
import { amountOf, type StoredAmount } from '../store/amount.ts';
import { treeFolders } from '../store/contents.ts';
import { listUnregistered, pruneUnregistered } from '../store/prune-unregistered.ts';
import { listFiles } from '../system/file/files.ts';
import { applySteps } from './apply.ts';
import { fileLeftWarning, persistedFiles } from './boot/boot-files.ts';
import { findRestorableRules, type RestorableRule, reportLost } from './boot/restorable-rules.ts';
import { requireOwner } from './owner.ts';
import { type EntryRemoval, planUninstall } from './plan-uninstall.ts';

export interface UninstallRequest {
  /** Architectures, names of entries, or globs of names. */
  readonly names: readonly string[];
  /** All entries that binfmtctl registered. */
  readonly all: boolean;
  /** Remove emulators from the store that no registration needs. */
  readonly purge: boolean;
  readonly dryRun: boolean;
}

/** Result of `uninstall`. */
export interface UninstallResult {
  readonly schema: 'binfmtctl/uninstall/1';
  readonly dryRun: boolean;
  readonly steps: readonly Step[];
  /** Entries of other programs that were registered again, and the boot file that contains their rule. */
  readonly restored: readonly {
    readonly entry: string;
    readonly interpreter: string;
    readonly path: string | null;
  }[];
  /** Files of emulators that were removed from the store. */
  readonly purged: readonly string[];
  /** How many emulators, and bytes of them, were purged. */
  readonly freed: StoredAmount;
  /** Without `purge`: how many emulators, and bytes of them, stay in the store although nothing needs them. */
  readonly unused: StoredAmount;
  /** With `purge`: directories of trees that `enter` unpacked, which are kept. */
  readonly trees: readonly string[];
  /** Requested entries that were kept because their registration is damaged, so that the changes to undo are unknown. */
  readonly damaged: readonly { readonly entry: string; readonly path: string }[];
}

/** The kernel's entries, and the registrations by entry name. */
interface InstalledState {
  readonly entries: readonly Entry[];
  readonly registrations: ReadonlyMap<string, StoredRegistration>;
  readonly damaged: readonly DamagedRegistration[];
}

/**
 * Reverts exactly what `install` did: removes its entries, their boot files and their registrations. Removes an entry of
 * another program only if it is named exactly.
 *
 * @throws ENTRY_NOT_OURS for an architecture whose only entry belongs to another program; UNKNOWN_ARCH for a name that is neither
 * an entry nor an architecture.
 */
export async function uninstall(request: UninstallRequest, context: Context): Promise<UninstallResult> {
  await requireOwner(request, context);
  const decideBy = (entries: readonly Entry[]) => decide(request, entries, context);
  const decideNow = () => decideBy(listEntries(context.binfmtDirectory));
  const trees = request.purge ? await treeFolders(context.store) : [];
  const none = amountOf([]);
  if (request.dryRun) return { ...(await decideNow()).planned, purged: [], freed: none, unused: none, trees };
  return withStoreLock(context, async () => {
    await repair(context);
    const apply = async ({
      planned,
      removal,
      putBack: restorable,
    }: UninstallDecision): Promise<UninstallResult> => {
      const isRestored = await remove(removal, restorable, context);
      const done = isRestored ? planned : { ...planned, steps: removal, restored: [] };
      const purged = request.purge ? await pruneUnregistered(context) : [];
      const unused = request.purge ? none : amountOf(await listUnregistered(context));
      return { ...done, purged: purged.map(({ path }) => path), freed: amountOf(purged), unused, trees };
    };
    const early = await decideNow();
    // Files can be removed without the permission to change entries.
    if (early.planned.steps.every(({ kind }) => kind !== 'unregister')) return apply(early);
    return changeInstance({ decide: decideBy, apply }, context);
  });
}

interface UninstallDecision {
  readonly planned: Omit<UninstallResult, 'purged' | 'freed' | 'unused' | 'trees'>;
  readonly removal: readonly Step[];
  readonly putBack: readonly RestorableRule[];
}

async function decide(
  request: UninstallRequest,
  entries: readonly Entry[],
  context: Context,
): Promise<UninstallDecision> {
  const { dryRun } = request;
  const state: InstalledState = { entries, ...(await readAllRegistrations(context.store)) };
  const ours = [...state.registrations.keys()];
  const names = request.all ? ours : request.names.flatMap((name) => namesFor(name, state, context));
  const entryRemovals = await Promise.all(
    [...new Set(names)].map((name) => buildEntryRemoval(name, state, context)),
  );
  const removal = entryRemovals.flatMap(planUninstall);
  const putBack = await findRestorableRules(entryRemovals, removal, state.entries, context);
  const damaged = damagedAmong(request, state).map(({ entry, path }) => ({ entry, path }));
  const steps = [...removal, ...putBack.map(({ rule }): Step => ({ kind: 'register', rule }))];
  const schema = 'binfmtctl/uninstall/1';
  return { planned: { schema, dryRun, steps, restored: restoredOf(putBack), damaged }, removal, putBack };
}

/** Removes entries and registers the replaced ones again. If the kernel refuses these, warns and only removes. */
async function remove(
  removal: readonly Step[],
  putBack: readonly RestorableRule[],
  context: Context,
): Promise<boolean> {
  const rules = putBack.map(({ rule }) => rule);
  try {
    using checked = openInterpreters(rules);
    await applySteps(
      [...removal, ...rules.map((rule): Step => ({ kind: 'register', rule }))],
      [],
      context,
      checked,
    );
    return true;
  } catch (error) {
    const isRefused =
      error instanceof BinfmtctlError && ['KERNEL_REFUSED', 'UNSAFE_RULE'].includes(error.code);
    if (!isRefused || rules.length === 0) throw error;
    await applySteps(removal, [], context);
    for (const each of putBack) reportLost(each, error.message, context);
    return false;
  }
}

const restoredOf = (putBack: readonly RestorableRule[]): UninstallResult['restored'] =>
  putBack.map(({ rule, path }) => ({ entry: rule.name, interpreter: rule.interpreter, path }));

/** Damaged registrations that `--all` or a glob matches. Those of exactly named entries are removed with the entry. */
function damagedAmong(
  { all, names }: UninstallRequest,
  { damaged }: InstalledState,
): readonly DamagedRegistration[] {
  const globs = names.filter(isGlob);
  return damaged.filter(
    ({ entry }) => !names.includes(entry) && (all || globs.some((glob) => matchesGlob(glob, entry))),
  );
}

/** Names of the entries that a command-line argument selects. */
function namesFor(word: string, state: InstalledState, { catalogue }: Context): readonly string[] {
  const ours = [...state.registrations.keys()];
  if (isGlob(word)) return ours.filter((name) => matchesGlob(word, name));
  if ([...ours, ...state.damaged.map(({ entry }) => entry)].includes(word)) return [word];
  if (state.entries.some(({ name }) => name === word)) return [word];
  const arch = archNamed(word, catalogue);
  const registered = ours.filter((name) => state.registrations.get(name)?.registration.arch === arch.id);
  if (registered.length > 0) return registered;
  const foreign = state.entries.find(
    ({ pattern }) => pattern.type === 'magic' && overlap(pattern, archPattern(arch)),
  );
  if (foreign === undefined) return [];
  const note = state.damaged.find(({ entry }) => entry === foreign.name);
  if (note !== undefined) throw unknownOwner(foreign, note);
  throw new BinfmtctlError(
    'ENTRY_NOT_OURS',
    `cannot uninstall ${arch.id}: its entry ${foreign.name} was not registered by binfmtctl`,
    {
      hint: `\`binfmtctl uninstall ${foreign.name}\` removes it anyway`,
    },
  );
}

function unknownOwner({ name }: Entry, { path }: DamagedRegistration): BinfmtctlError {
  return new BinfmtctlError(
    'STORE_FAILED',
    `cannot determine whether binfmtctl registered entry ${name}: ${path} is damaged`,
    { hint: `to remove the entry and this file, run \`binfmtctl uninstall ${name}\`` },
  );
}

/** @throws UNKNOWN_ARCH, with a message that also covers entries. */
function archNamed(word: string, catalogue: Catalogue): Arch {
  try {
    return findArch(catalogue, word);
  } catch (error) {
    if (!(error instanceof BinfmtctlError)) throw error;
    throw new BinfmtctlError(
      'UNKNOWN_ARCH',
      `${JSON.stringify(word)} is neither an entry nor an architecture`,
      {
        hint: error.hint,
        cause: error,
      },
    );
  }
}

async function buildEntryRemoval(
  name: string,
  { entries, registrations, damaged }: InstalledState,
  context: Context,
): Promise<EntryRemoval> {
  const { report } = context;
  const stored = registrations.get(name);
  const entry = entries.find((each) => each.name === name) ?? null;
  const note = damaged.find((each) => each.entry === name);
  if (note !== undefined) {
    if (entry !== null) await warnOfFilesFor(entry, report);
    return { entry, registration: null, files: [], registrationFile: note };
  }
  if (stored === undefined) return { entry, registration: null, files: [], registrationFile: null };
  const { registration, path, text } = stored;
  const files = persistedFiles(registration, context).map(({ path, now, state }) => {
    if (state === 'changed') report({ kind: 'warning', text: fileLeftWarning(path) });
    return { path, now: state === 'changed' ? null : now };
  });
  // An entry of the same name that another tool registered belongs to that tool.
  const own = entry !== null && equalRules(entry, registration.rule) ? entry : null;
  return { entry: own, registration, files, registrationFile: { path, text } };
}

/** Warns about boot files that may belong to an entry: only its damaged registration would tell. */
async function warnOfFilesFor(entry: Entry, report: Context['report']): Promise<void> {
  const paths = (await Promise.all(BOOT_DIRECTORIES.map((directory) => listFiles(directory)))).flat();
  for (const path of paths) {
    if (bootFormatOf(path, entry.name) !== null)
      report({ kind: 'warning', text: `${path} may register entry ${entry.name} again at boot; it is kept` });
  }
}
