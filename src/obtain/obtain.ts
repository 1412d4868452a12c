import { availableParallelism } from 'node:os';
import { emulatorsFor } from '../catalogue/resolve.ts';
import type { Arch, EmulatorProfile } from '../catalogue/types.ts';
import { type Context, describeArches } from '../context.ts';
import { buildProbe } from '../elf/probe.ts';
import { type FindRequest, findCandidates, findHeldByEntries } from '../emulators/finder.ts';
import { openMemo } from '../emulators/memo.ts';
import { listStored } from '../emulators/store/store.ts';
import { isSharedStore } from '../emulators/store/trust.ts';
import type { Candidate } from '../emulators/types.ts';
import type { BinfmtctlError } from '../errors.ts';
import { assertNotInterrupted } from '../state/transaction.ts';
import { forEachAtOnce } from '../system/at-once.ts';
import type { FoundEmulator } from './found.ts';
import { warnOfKnownBad } from './known-bad.ts';
import { type Missing, notFound } from './missing.ts';
import { recover } from './recover.ts';
import { askSources, combineProblems, parseSources, type SourceProblems } from './sources.ts';
import { takeFirstFit } from './take-first-fit.ts';
import type { EmulatorRequest, EmulatorSearch, KernelState } from './types.ts';

export interface Obtained {
  readonly found: readonly FoundEmulator[];
  readonly missing: readonly Missing[];
  /** With `dryRun`: ids of the arches whose emulators would be fetched. */
  readonly toFetch: readonly string[];
}

/**
 * Finds an emulator for each arch: on this machine, then in the sources in order.
 *
 * @throws EMULATOR_NOT_FOUND, or the reasons why all candidates were rejected. With `all`, such an arch is only listed
 * in `missing`, unless nothing is found and `strict` is set or a source failed.
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
  // In the requested order: the order of discovery differs from run to run.
  const inOrder = (): readonly FoundEmulator[] => arches.flatMap(({ id }) => found.get(id) ?? []);
  // An emulator that did not answer in time may still work, so no other is fetched in its place.
  const isUnresolved = ({ id }: Arch): boolean =>
    !found.has(id) && (request.sources.length > 0 || silentOf(problems.get(id)) === undefined);
  const take = async (candidates: readonly Candidate[], source?: string): Promise<void> => {
    assertNotInterrupted(context.signal);
    const remaining = arches.filter(({ id }) => !found.has(id));
    await forEachAtOnce(remaining, availableParallelism(), (arch) =>
      takeFirstFit(arch, { candidates, source }, search),
    );
  };
  await take(request.candidates ?? []);
  if (request.sources.length === 0) {
    context.report({
      kind: 'stage',
      stage: 'find',
      text: `searching this machine for emulators for ${describeArches(arches.map(({ id }) => id))}`,
      arches: arches.map(({ id }) => id),
    });
    await take((await Promise.all(arches.map((arch) => findCandidates(findRequest(arch, search))))).flat());
    warnOfSilent(inOrder(), problems, context);
    for (const arch of request.dryRun ? [] : arches.filter(isUnresolved)) {
      for (const held of await findHeldByEntries(findRequest(arch, search)))
        await take(await recover(arch, held, problems, context));
    }
  }
  if (request.dryRun) {
    const toFetch = arches.filter((arch) => isUnresolved(arch) && profilesFor(arch, search).length > 0);
    await warnOfKnownBad(inOrder(), { host, isInstall: request.isInstall }, context);
    const silent = arches.filter((arch) => !found.has(arch.id) && !isUnresolved(arch));
    const missing = silent.map(({ id }) => ({ arch: id, problem: combineProblems(id, problems.get(id)) }));
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
          .filter(isUnresolved)
          .map((arch) => ({ guest: arch.id, profiles: profilesFor(arch, search) }))
          .filter(({ profiles }) => profiles.length > 0),
      // With --all, the few emulators that the first source lacks are not worth a second download.
      isEnough: () => request.all && found.size > 0,
      take,
    }));
  assertNotInterrupted(context.signal);
  await memo.save();
  await warnOfKnownBad(inOrder(), { host, isInstall: request.isInstall }, context);
  const missing = arches
    .filter(({ id }) => !found.has(id))
    .map((arch) => ({
      arch: arch.id,
      problem: combineProblems(arch.id, problems.get(arch.id)) ?? notFound(arch, host, request),
    }));
  const isFatal = (request.strict === true || failed) && found.size === 0;
  const required = missing.find(
    ({ arch, problem }) => !(request.optional?.includes(arch) && problem.code === 'EMULATOR_NOT_FOUND'),
  );
  if ((!request.all || isFatal) && required !== undefined) {
    if (!request.all)
      for (const { arch, problem } of missing)
        context.report({ kind: 'failed', arch, text: problem.message });
    throw required.problem;
  }
  return {
    toFetch: [],
    found: inOrder(),
    missing: missing.map(({ arch, problem }) => ({ arch, why: problem.message })),
  };
}

/** Explains to users why a different emulator than usual was chosen. */
function warnOfSilent(found: readonly FoundEmulator[], problems: SourceProblems, { report }: Context): void {
  for (const { arch } of found) {
    const silent = silentOf(problems.get(arch.id));
    if (silent !== undefined) report({ kind: 'warning', text: silent.message });
  }
}

/** The error of an emulator that did not answer in time. */
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
