import { availableParallelism } from 'node:os';
import { type CheckedInterpreters, openInterpreters } from '../binfmt/checked-interpreters.ts';
import { listEntries } from '../binfmt/entries.ts';
import { ensureMounted, inspectInstance } from '../binfmt/instance/instance.ts';
import type { Scope } from '../binfmt/instance/scope.ts';
import { findArch } from '../catalogue/resolve.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { listStored } from '../emulators/store/store.ts';
import { BinfmtctlError } from '../errors.ts';
import { lockSteps } from '../lockfile/file.ts';
import { assertNoOtherSources, obtainAsLocked } from '../lockfile/locked.ts';
import type { FoundEmulator } from '../obtain/found.ts';
import { type Missing, noneFound } from '../obtain/missing.ts';
import { preservingName } from '../obtain/preserve-argv0.ts';
import type { KernelState } from '../obtain/types.ts';
import type { Proof } from '../probe/verdict.ts';
import type { Entry } from '../rule/types.ts';
import { requireSafe } from '../safety/machine-safety.ts';
import { assertNotNative, findNatives, type Natives } from '../safety/natives.ts';
import { parseSource } from '../sources/index.ts';
import { changeInstance } from '../state/instance-change.ts';
import { withStoreLock } from '../state/lock.ts';
import { isOurs, readRegistrations, type StoredRegistration } from '../state/registrations.ts';
import { repair } from '../state/repair.ts';
import type { Step } from '../state/steps.ts';
import { keepingWarnings } from '../state/warnings.ts';
import { pruneUnregistered } from '../store/prune-unregistered.ts';
import { forEachAtOnce } from '../system/at-once.ts';
import { sha256File } from '../system/file/files.ts';
import { alreadyServing, isFreeChoice } from './already-serving.ts';
import { applySteps } from './apply.ts';
import { choosePersistence } from './boot/choose-persistence.ts';
import { findShadowed } from './boot/shadowing.ts';
import { buildDesiredState } from './desired.ts';
import { durationOf } from './duration.ts';
import { registeredEmulators, servingEmulators } from './installed-emulators.ts';
import { checkLifetime } from './lifetime.ts';
import { linkNotes } from './links/links.ts';
import { installNotes } from './notes.ts';
import { findOutdated } from './outdated.ts';
import { type DesiredState, planInstall } from './plan.ts';
import type { InstalledDuration, InstalledEmulator, InstallRequest, RuleOptions } from './types.ts';

/** Result of `install`. */
export interface InstallResult {
  readonly schema: 'binfmtctl/install/1';
  readonly dryRun: boolean;
  /** The applied steps; with `dryRun`, the planned ones. */
  readonly steps: readonly Step[];
  /** In the order asked for, those that work already among them. */
  readonly emulators: readonly InstalledEmulator[];
  /** Null with `dryRun`, or if nothing was registered. */
  readonly duration: InstalledDuration | null;
  /** Empty with `dryRun` and without `verify`. */
  readonly proofs: readonly Proof[];
  /** Architectures that already worked and were not changed. */
  readonly unchanged: readonly string[];
  /** With `all`: architectures without an emulator, and the reason. */
  readonly missing: readonly Missing[];
  /** With `dryRun`: architectures whose emulators would be fetched first. `steps` does not include them. */
  readonly toFetch: readonly string[];
  /** Where the entries work; null with `dryRun`. */
  readonly scope: Scope | null;
  /** Information that needs no action. */
  readonly notes: readonly string[];
  /** All warnings. */
  readonly warnings: readonly string[];
}

/**
 * Makes programs of the architectures run on this machine: finds or fetches emulators, registers them, and verifies with
 * probes that they work. Does not change entries that already work. Rolls back all changes on a failure.
 *
 * @throws USAGE, BAD_SOURCE, BAD_LOCK, LOCK_MISMATCH, NATIVE_ARCH, UNSAFE_RULE, EMULATOR_NOT_FOUND, EMULATOR_UNFIT, SOURCE_FAILED,
 * ENTRY_NOT_OURS, NOT_PROVED, NO_PRIVILEGE, NO_BINFMT_MISC and errors of files and processes.
 */
export async function install(request: InstallRequest, outer: Context): Promise<InstallResult> {
  const { context, warnings } = keepingWarnings(outer);
  validateRequest(request, context);
  const natives = await findNativesHere(request, context);
  if (!request.all) assertNotNative(request.arches, natives);
  const arches = request.all ? foreignTo(natives, context) : request.arches;
  const decideBy = (entries: readonly Entry[]) => decide(arches, { entries, natives }, request, context);
  if (request.dryRun) {
    // If the instance is not mounted, an install would mount an empty one.
    const { mounted } = inspectInstance(context.binfmtDirectory);
    const { result, checked } = await decideBy(mounted ? listEntries(context.binfmtDirectory) : []);
    checked[Symbol.dispose]();
    return { ...result, dryRun: true, proofs: [], scope: null, duration: null, warnings };
  }
  const instance = await ensureMounted(context.binfmtDirectory);
  const before = warnings.length;
  const lifetimeNotes = await checkLifetime(instance, context);
  const isWarnedOf = warnings.length > before;
  return withStoreLock(context, async () => {
    await repair(context);
    const stored = await listStored(context.store);
    try {
      const apply = ({ result, desired, serving, checked }: InstallDecision) =>
        applySteps(result.steps, desired, context, checked).then((proofs) => ({
          ...result,
          proofs: inOrder(arches, [...serving, ...proofs]),
        }));
      const release = ({ checked }: InstallDecision) => checked[Symbol.dispose]();
      const result = await changeInstance({ decide: decideBy, apply, release }, context);
      const warned = warnings.length;
      const notes = lifetimeNotes(result.steps.some(({ kind }) => kind === 'register'));
      const isKnown = !isWarnedOf && notes.length === 0 && warnings.length === warned;
      const { scope } = instance;
      const changed = result.emulators.filter(({ arch }) => !result.unchanged.includes(arch));
      return {
        ...result,
        dryRun: false,
        scope,
        duration: changed.length === 0 ? null : durationOf(changed, { scope, isKnown }, context),
        notes: [...result.notes, ...notes],
        warnings,
      };
    } catch (failure) {
      // After an incomplete rollback, an entry may still use the new emulator.
      const undone = !(failure instanceof BinfmtctlError && failure.code === 'ROLLBACK_FAILED');
      if (undone) await pruneUnregistered(context, stored).catch(() => {});
      throw failure;
    }
  });
}

/** Mounts the instance if that may settle which architectures are native. */
async function findNativesHere({ dryRun }: InstallRequest, context: Context): Promise<Natives> {
  const natives = await findNatives(context);
  const { binfmtDirectory } = context;
  if (dryRun || natives.unproven.length === 0 || inspectInstance(binfmtDirectory).mounted) return natives;
  await ensureMounted(binfmtDirectory);
  return findNatives(context);
}

interface InstallDecision {
  readonly result: Omit<InstallResult, 'dryRun' | 'proofs' | 'scope' | 'duration' | 'warnings'>;
  readonly desired: readonly DesiredState[];
  readonly checked: CheckedInterpreters;
  /** Proofs of the architectures that need no change. */
  readonly serving: readonly Proof[];
}

/** Plans the installation beside the existing entries. Fetches emulators, and changes nothing else. */
async function decide(
  arches: readonly Arch[],
  kernel: KernelState,
  request: InstallRequest,
  context: Context,
): Promise<InstallDecision> {
  const { entries, natives } = kernel;
  const registrations = await readRegistrations(context.store);
  const persist = choosePersistence(request, context);
  const lasting = { ...request, persist };
  const ours = oursAmong(entries, registrations);
  const serving = await alreadyServing(arches, { entries, ours, registrations }, lasting, context);
  const open = arches.filter(({ id }) => !serving.some(({ arch }) => arch === id));
  const { names: outdated, candidates } = await findOutdated(open, { entries, ours }, registrations, context);
  const isInstall = request.locked === undefined;
  const search = { ...request, isInstall, ...(isFreeChoice(request) && { candidates }) };
  const obtained = await obtainAsLocked(open, kernel, search, context);
  const { missing, toFetch } = obtained;
  const found = await Promise.all(obtained.found.map((each) => preservingName(each, request, context)));
  const options: RuleOptions = lasting;
  const desired = await Promise.all(found.map((each) => buildDesiredState(each, options, entries, context)));
  if (request.all && !request.dryRun && found.length === 0 && serving.length === 0)
    throw noneFound(request.sources, missing);
  const rules = desired.map(({ rule }) => rule);
  const checked = openInterpreters(rules);
  try {
    if (!request.dryRun) await forEachAtOnce(found, availableParallelism(), assertUnchanged);
    await requireSafe(rules, context, kernel);
    const shadowed = findShadowed(entries, desired, (id) => findArch(context.catalogue, id));
    const present = { entries, ours, outdated, shadowed };
    const steps = [
      ...planInstall(present, desired, { replace: request.replace, prove: request.verify }),
      ...(await lockSteps(found, natives, request, context)),
    ];
    const unchanged = serving.map(({ arch }) => arch);
    const notes = [...installNotes(steps, desired), ...linkNotes(request, { steps, toFetch })];
    const emulators = inOrder(arches, [
      ...servingEmulators(serving, entries, registrations, context.catalogue),
      ...registeredEmulators(found, desired),
    ]);
    const schema = 'binfmtctl/install/1';
    const result = { schema, steps, emulators, missing, toFetch, unchanged, notes } as const;
    return { result, desired, checked, serving };
  } catch (failure) {
    checked[Symbol.dispose]();
    throw failure;
  }
}

/** Validates the request without reading the state of the machine. */
function validateRequest(request: InstallRequest, { catalogue }: Context): void {
  const { sources, emulator, allowUnverified } = request;
  assertNoOtherSources(request);
  for (const source of sources) parseSource(source, { allowUnverified });
  if (emulator === undefined || Object.hasOwn(catalogue.emulators, emulator)) return;
  throw new BinfmtctlError('USAGE', `unknown emulator ${JSON.stringify(emulator)}`, {
    hint: `known emulators: ${Object.keys(catalogue.emulators).join(', ')}`,
  });
}

/** Names of the entries that are as binfmtctl registered them. An entry that another tool replaced belongs to that tool. */
function oursAmong(
  entries: readonly Entry[],
  registrations: ReadonlyMap<string, StoredRegistration>,
): ReadonlySet<string> {
  return new Set(entries.filter((entry) => isOurs(entry, registrations)).map(({ name }) => name));
}

/** All architectures that are known not to be native. */
function foreignTo({ arches, unproven }: Natives, { catalogue, report }: Context): readonly Arch[] {
  for (const { arch, missing } of unproven) {
    const text = `${arch.id} is skipped: whether it runs natively could not be established: ${missing}`;
    report({ kind: 'warning', text });
  }
  const native = new Set([...arches, ...unproven.map(({ arch }) => arch)].map(({ id }) => id));
  return Object.values(catalogue.arches).filter(({ id }) => !native.has(id));
}

/** @throws EMULATOR_UNFIT if the emulator changed after it was inspected. */
async function assertUnchanged({ emulator: { path, sha256 } }: FoundEmulator): Promise<void> {
  if ((await sha256File(path)) === sha256) return;
  throw new BinfmtctlError('EMULATOR_UNFIT', `emulator ${path} changed after it was inspected`, {
    hint: 'run the command again when no other program changes that file',
  });
}

/** The last of each arch, in the order of `arches`. */
function inOrder<T extends { readonly arch: string }>(
  arches: readonly Arch[],
  all: readonly T[],
): readonly T[] {
  return arches.flatMap(({ id }) => all.findLast(({ arch }) => arch === id) ?? []);
}
