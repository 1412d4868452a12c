import { availableParallelism } from 'node:os';
import { archOfHeader, emulatorsFor } from '../catalogue/resolve.ts';
import type { Arch, EmulatorProfile } from '../catalogue/types.ts';
import { type Context, describeArches } from '../context.ts';
import { buildProbe } from '../elf/probe.ts';
import { type FindRequest, findCandidates, findHeldByEntries } from '../emulators/finder.ts';
import { inspect } from '../emulators/inspector.ts';
import { type Memo, openMemo } from '../emulators/memo.ts';
import { listStored, type StoredEmulator } from '../emulators/store/store.ts';
import { isSharedStore } from '../emulators/store/trust.ts';
import type { Candidate } from '../emulators/types.ts';
import { type BinfmtctlError, isItemFailure } from '../errors.ts';
import { assertRuns } from '../probe/assert-runs.ts';
import type { Entry } from '../rule/types.ts';
import { buildArchOf, type Natives } from '../safety/natives.ts';
import { refuseInterrupted } from '../state/transaction.ts';
import { forEachAtOnce } from '../system/at-once.ts';
import { mapsRootToRoot } from '../system/host.ts';
import type { FoundEmulator } from './found.ts';
import { assertNotKnownBad, knownProblems, warnOfKnownBad } from './known-bad.ts';
import { type Missing, notFound } from './missing.ts';
import { recover } from './recover.ts';
import { addProblem, askSources, combineProblems, parseSources, type SourceProblems } from './sources.ts';

export interface EmulatorRequest {
  readonly all: boolean;
  readonly sources: readonly string[];
  readonly emulator?: string | undefined;
  /** Take also what has no sha256 by which it could be verified. */
  readonly allowUnverified?: boolean | undefined;
  /** By arch, what its emulator has to be: other bytes are never run, so that its source may be one that others can write. */
  readonly expected?: Readonly<Record<string, { readonly sha256: string }>> | undefined;
  /** Files that are looked at first. */
  readonly candidates?: readonly Candidate[] | undefined;
  /** They are for another machine, of the arch `host`, and are not run. */
  readonly forOtherHost?: boolean | undefined;
  /** Refuse versions that are known to be bad. */
  readonly strict?: boolean | undefined;
  /** Take only emulators that run a probe; those for another machine (`forOtherHost`) are not checked. */
  readonly prove?: boolean | undefined;
  /** Take only what this machine has, and ask no source. */
  readonly local?: boolean | undefined;
  /** Take also emulators that need libraries of this machine, as long as there is no static one. */
  readonly dynamic?: boolean | undefined;
  /** Ids of arches that may be left out if there is no emulator for them. */
  readonly optional?: readonly string[] | undefined;
  /** Fetch nothing: say only what would be fetched. */
  readonly dryRun: boolean;
}

export interface Obtained {
  readonly found: readonly FoundEmulator[];
  readonly missing: readonly Missing[];
  /** With `dryRun`: ids of the arches whose emulators would have to be fetched. */
  readonly toFetch: readonly string[];
}

/** What the kernel runs: its entries, and the machine's own architectures. */
export interface KernelState {
  readonly entries: readonly Entry[];
  readonly natives: Natives;
}

interface EmulatorSearch extends KernelState {
  readonly host: Arch;
  readonly stored: readonly StoredEmulator[];
  readonly memo: Memo;
  readonly request: EmulatorRequest;
  readonly context: Context;
  /** By id of the arch. */
  readonly found: Map<string, FoundEmulator>;
  readonly problems: SourceProblems;
}

/** From the start of an emulator until it has printed its version, on a busy machine too. */
const TIME_LIMIT_MS = 30_000;

/**
 * An emulator for each arch: from this machine, else from the sources in order.
 *
 * @throws EMULATOR_NOT_FOUND, or what was wrong with the last one that was tried; with `all` such an arch is only
 * named as missing, unless it is `strict` and nothing is left.
 */
export async function obtainEmulators(
  arches: readonly Arch[],
  { entries, natives }: KernelState,
  request: EmulatorRequest,
  context: Context,
): Promise<Obtained> {
  if (arches.length === 0) return { found: [], missing: [], toFetch: [] };
  const { host } = natives;
  const sources = parseSources(request.sources, request, context);
  const [memo, stored] = await Promise.all([
    openMemo(context),
    isSharedStore(context) ? [] : listStored(context.store),
  ]);
  const found = new Map<string, FoundEmulator>();
  const problems: SourceProblems = new Map();
  const search: EmulatorSearch = {
    ...{ natives, host, entries, stored, memo, request, context },
    ...{ found, problems },
  };
  // In the order asked for: which was found first differs from run to run.
  const inOrder = (): readonly FoundEmulator[] => arches.flatMap(({ id }) => found.get(id) ?? []);
  // An emulator that is there and did not answer may be a good one: no other is fetched in its place.
  const isOpen = ({ id }: Arch): boolean =>
    !found.has(id) && (request.sources.length > 0 || silentOf(problems.get(id)) === undefined);
  const take = async (candidates: readonly Candidate[], source?: string): Promise<void> => {
    refuseInterrupted(context.signal);
    const open = arches.filter(({ id }) => !found.has(id));
    await forEachAtOnce(open, availableParallelism(), (arch) =>
      takeFirstFit(arch, { candidates, source }, search),
    );
  };
  await take(request.candidates ?? []);
  if (request.sources.length === 0) {
    context.report({
      kind: 'stage',
      stage: 'find',
      text: `looking on this machine for what runs ${describeArches(arches.map(({ id }) => id))}`,
    });
    await take((await Promise.all(arches.map((arch) => findCandidates(findRequest(arch, search))))).flat());
    warnOfSilent(inOrder(), problems, context);
    for (const arch of request.dryRun ? [] : arches.filter(isOpen)) {
      for (const held of await findHeldByEntries(findRequest(arch, search)))
        await take(await recover(arch, held, problems, context));
    }
  }
  if (request.dryRun) {
    const toFetch = arches.filter((arch) => isOpen(arch) && profilesFor(arch, search).length > 0);
    await warnOfKnownBad(inOrder(), host, context);
    const silent = arches.filter((arch) => !found.has(arch.id) && !isOpen(arch));
    const missing = silent.map(({ id }) => ({ arch: id, problem: combineProblems(problems.get(id)) }));
    const [first] = missing;
    if (!request.all && first?.problem !== undefined) throw first.problem;
    return {
      found: inOrder(),
      missing: missing.map(({ arch, problem }) => ({ arch, why: problem?.message ?? '' })),
      toFetch: toFetch.map(({ id }) => id),
    };
  }
  const failed =
    !request.local &&
    (await askSources(sources, {
      host,
      verified: request.expected !== undefined,
      context,
      problems,
      missing: () =>
        arches
          .filter(isOpen)
          .map((arch) => ({ guest: arch.id, profiles: profilesFor(arch, search) }))
          .filter(({ profiles }) => profiles.length > 0),
      // All that can be found does not mean a second download for the few that the first has not.
      isEnough: () => request.all && found.size > 0,
      take,
    }));
  refuseInterrupted(context.signal);
  await memo.save();
  await warnOfKnownBad(inOrder(), host, context);
  const missing = arches
    .filter(({ id }) => !found.has(id))
    .map((arch) => ({
      arch: arch.id,
      problem: combineProblems(problems.get(arch.id)) ?? notFound(arch, host, request),
    }));
  const inVain = (request.strict === true || failed) && found.size === 0;
  const required = missing.find(
    ({ arch, problem }) => !(request.optional?.includes(arch) && problem.code === 'EMULATOR_NOT_FOUND'),
  );
  if ((!request.all || inVain) && required !== undefined) throw required.problem;
  return {
    toFetch: [],
    found: inOrder(),
    missing: missing.map(({ arch, problem }) => ({ arch, why: problem.message })),
  };
}

/** Users learn why another emulator is taken than usual. */
function warnOfSilent(found: readonly FoundEmulator[], problems: SourceProblems, { report }: Context): void {
  for (const { arch } of found) {
    const silent = silentOf(problems.get(arch.id));
    if (silent !== undefined) report({ kind: 'warning', text: silent.message });
  }
}

/** What an emulator's silence was reported by: it did not answer in time. */
const silentOf = (problems: readonly (BinfmtctlError | string)[] = []): BinfmtctlError | undefined =>
  problems.find((each): each is BinfmtctlError => typeof each !== 'string' && each.code === 'PROCESS_FAILED');

function profilesFor(arch: Arch, { host, request, context }: EmulatorSearch): readonly EmulatorProfile[] {
  const profiles = emulatorsFor(context.catalogue, arch.id, host.id);
  return request.emulator === undefined ? profiles : profiles.filter(({ id }) => id === request.emulator);
}

function findRequest(arch: Arch, search: EmulatorSearch): FindRequest {
  return {
    guest: arch.id,
    head: buildProbe(arch.elf, arch.probe).subarray(0, 256),
    profiles: profilesFor(arch, search),
    entries: search.entries,
    stored: search.stored,
    path: (process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/')),
  };
}

/**
 * Takes the first candidate that passes inspection, is built for the host's own arch and is not known to be bad; else the first
 * static one that passes, else the first dynamic one. Keeps the problems of the rejected ones for the error if none passes.
 */
async function takeFirstFit(
  arch: Arch,
  { candidates, source }: { readonly candidates: readonly Candidate[]; readonly source: string | undefined },
  search: EmulatorSearch,
): Promise<void> {
  const { natives, host, memo, request, context, found, problems } = search;
  let secondBest: FoundEmulator | undefined;
  for (const candidate of candidates.filter(({ guest }) => guest === arch.id)) {
    const profile = context.catalogue.emulators[candidate.emulator];
    if (profile === undefined) continue;
    try {
      const emulator = await inspect(candidate, {
        profile,
        host: host.elf,
        forOtherHost: request.forOtherHost,
        archOf: (head) => buildArchOf(head, natives, context),
        // Only who names an emulator may want one that does not work in chroots.
        requireStatic: request.emulator === undefined && request.dynamic !== true,
        asRoot: process.geteuid?.() === 0 && mapsRootToRoot() !== false,
        sha256: request.expected?.[arch.id]?.sha256,
        timeoutMs: TIME_LIMIT_MS,
        memo,
        signal: context.signal,
      });
      const fit = { arch, profile, emulator, source: candidate.source ?? source };
      const expected = request.expected?.[arch.id]?.sha256 ?? emulator.sha256;
      if (request.prove && !request.forOtherHost && expected === emulator.sha256)
        await assertRuns(arch, emulator, context);
      const known = await knownProblems(fit, host);
      if (request.strict) assertNotKnownBad(fit, known);
      if (secondBest === undefined || (emulator.static && !secondBest.emulator.static)) secondBest = fit;
      const isOwn = archOfHeader(context.catalogue, emulator.head)?.id === host.id;
      if (known.length > 0 || !isOwn || (request.dynamic === true && !emulator.static)) continue;
      found.set(arch.id, fit);
      return;
    } catch (problem) {
      // An inspection that a signal ended says nothing of the emulator.
      refuseInterrupted(context.signal);
      if (!isItemFailure(problem)) throw problem;
      addProblem(problems, arch.id, problem);
    }
  }
  if (secondBest !== undefined) found.set(arch.id, secondBest);
}
