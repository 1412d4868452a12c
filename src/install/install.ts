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
import { checkLifetime } from './lifetime.ts';
import { installNotes } from './notes.ts';
import { findOutdated } from './outdated.ts';
import { type DesiredState, planInstall } from './plan.ts';
import type { InstallRequest, RuleOptions } from './types.ts';

export interface InstallResult {
  readonly schema: 'binfmtctl/install/1';
  readonly dryRun: boolean;
  /** What was done, or with `dryRun` would be. */
  readonly steps: readonly Step[];
  /** Empty with `dryRun` and without `verify`. */
  readonly proofs: readonly Proof[];
  /** Arches that worked already and were left as they are. */
  readonly unchanged: readonly string[];
  /** With `all`: arches that no emulator was found for, and why. */
  readonly missing: readonly Missing[];
  /** With `dryRun`: arches whose emulators would be fetched first; their steps are not known before. */
  readonly toFetch: readonly string[];
  /** Whom the entries serve; null with `dryRun`. */
  readonly scope: Scope | null;
  /** Facts that need no action, in full sentences. */
  readonly notes: readonly string[];
  /** What was warned of, in full sentences. */
  readonly warnings: readonly string[];
}

/**
 * Makes programs of the arches run on this machine: finds or fetches emulators, registers them, and proves by running
 * probes that they work. What works already is left alone. On a failure everything is taken back.
 *
 * @throws USAGE, BAD_SOURCE, BAD_LOCK, LOCK_MISMATCH, NATIVE_ARCH, UNSAFE_RULE, EMULATOR_NOT_FOUND, EMULATOR_UNFIT, SOURCE_FAILED,
 * ENTRY_NOT_OURS, NOT_PROVED, NO_PRIVILEGE, NO_BINFMT_MISC and what the doors to the outside throw; nothing is changed then.
 */
export async function install(request: InstallRequest, outer: Context): Promise<InstallResult> {
  const { context, warnings } = keepingWarnings(outer);
  validateRequest(request, context);
  const natives = await findNativesHere(request, context);
  if (!request.all) assertNotNative(request.arches, natives);
  const arches = request.all ? foreignTo(natives, context) : request.arches;
  const decideBy = (entries: readonly Entry[]) => decide(arches, { entries, natives }, request, context);
  if (request.dryRun) {
    // What a dry run finds unmounted an install would mount, empty.
    const { mounted } = inspectInstance(context.binfmtDirectory);
    const { result, checked } = await decideBy(mounted ? listEntries(context.binfmtDirectory) : []);
    checked[Symbol.dispose]();
    return { ...result, dryRun: true, proofs: [], scope: null, warnings };
  }
  const instance = await ensureMounted(context.binfmtDirectory);
  const lifetimeNotes = await checkLifetime(instance, context);
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
      const notes = lifetimeNotes(result.steps.some(({ kind }) => kind === 'register'));
      return {
        ...result,
        dryRun: false,
        scope: instance.scope,
        notes: [...result.notes, ...notes],
        warnings,
      };
    } catch (failure) {
      // What could not be taken back may still name the new emulator.
      const undone = !(failure instanceof BinfmtctlError && failure.code === 'ROLLBACK_FAILED');
      if (undone) await pruneUnregistered(context, stored).catch(() => {});
      throw failure;
    }
  });
}

/** What is unproven may be decided by the entries, once the instance is mounted. */
async function findNativesHere({ dryRun }: InstallRequest, context: Context): Promise<Natives> {
  const natives = await findNatives(context);
  const { binfmtDirectory } = context;
  if (dryRun || natives.unproven.length === 0 || inspectInstance(binfmtDirectory).mounted) return natives;
  await ensureMounted(binfmtDirectory);
  return findNatives(context);
}

interface InstallDecision {
  readonly result: Omit<InstallResult, 'dryRun' | 'proofs' | 'scope' | 'warnings'>;
  readonly desired: readonly DesiredState[];
  readonly checked: CheckedInterpreters;
  /** Proofs of the arches that are left as they are. */
  readonly serving: readonly Proof[];
}

/** What brings the arches, beside the entries that there are. Emulators are fetched; nothing else is changed. */
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
  const search = { ...request, ...(isFreeChoice(request) && { candidates }) };
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
    const linksLater = request.link !== undefined && toFetch.length > 0;
    const notes = [
      ...installNotes(steps, desired),
      ...(linksLater ? [`emulators that are fetched get links in ${request.link}`] : []),
    ];
    const result = { schema: 'binfmtctl/install/1', steps, missing, toFetch, unchanged, notes } as const;
    return { result, desired, checked, serving };
  } catch (failure) {
    checked[Symbol.dispose]();
    throw failure;
  }
}

/** Validates the request itself, before anything of the machine is read. */
function validateRequest(request: InstallRequest, { catalogue }: Context): void {
  const { sources, emulator, allowUnverified } = request;
  assertNoOtherSources(request);
  for (const source of sources) parseSource(source, { allowUnverified });
  if (emulator === undefined || Object.hasOwn(catalogue.emulators, emulator)) return;
  throw new BinfmtctlError('USAGE', `unknown emulator ${JSON.stringify(emulator)}`, {
    hint: `these are known: ${Object.keys(catalogue.emulators).join(', ')}`,
  });
}

/** Names of the entries that are as we registered them. One that another tool has replaced belongs to that tool. */
function oursAmong(
  entries: readonly Entry[],
  registrations: ReadonlyMap<string, StoredRegistration>,
): ReadonlySet<string> {
  return new Set(entries.filter((entry) => isOurs(entry, registrations)).map(({ name }) => name));
}

/** Every arch that is proved not to be native. */
function foreignTo({ arches, unproven }: Natives, { catalogue, report }: Context): readonly Arch[] {
  for (const { arch, missing } of unproven) {
    const text = `${arch.id} is left out: whether it runs natively could not be established: ${missing}`;
    report({ kind: 'warning', text });
  }
  const native = new Set([...arches, ...unproven.map(({ arch }) => arch)].map(({ id }) => id));
  return Object.values(catalogue.arches).filter(({ id }) => !native.has(id));
}

/** @throws EMULATOR_UNFIT if the file at the emulator's path is not the one that was inspected. */
async function assertUnchanged({ emulator: { path, sha256 } }: FoundEmulator): Promise<void> {
  if ((await sha256File(path)) === sha256) return;
  throw new BinfmtctlError('EMULATOR_UNFIT', `emulator ${path} changed after it was inspected`, {
    hint: 'run the command again when no other program changes that file',
  });
}

function inOrder(arches: readonly Arch[], proofs: readonly Proof[]): readonly Proof[] {
  return arches.flatMap(({ id }) => proofs.findLast(({ arch }) => arch === id) ?? []);
}
