import { archOfHeader } from '../catalogue/resolve.ts';
import type { Arch } from '../catalogue/types.ts';
import { inspect } from '../emulators/inspector.ts';
import type { Candidate } from '../emulators/types.ts';
import { isItemFailure } from '../errors.ts';
import { assertRuns } from '../probe/assert-runs.ts';
import { buildArchOf } from '../safety/natives.ts';
import { assertNotInterrupted } from '../state/transaction.ts';
import { mapsRootToRoot } from '../system/host.ts';
import type { FoundEmulator } from './found.ts';
import { assertNotKnownBad, knownProblems } from './known-bad.ts';
import { addProblem } from './sources.ts';
import type { EmulatorSearch } from './types.ts';

/** Limit for printing the version, also on a busy machine. */
const TIME_LIMIT_MS = 30_000;

/**
 * Chooses the first candidate that passes inspection, is built for the host's arch and has no known problems; otherwise
 * the first static one that passes, otherwise the first dynamic one. Records why candidates were rejected.
 */
export async function takeFirstFit(
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
        // Dynamic emulators do not work in chroots; they must be requested by name.
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
      // An interrupted inspection says nothing about the emulator.
      assertNotInterrupted(context.signal);
      if (!isItemFailure(problem)) throw problem;
      addProblem(problems, arch.id, problem);
    }
  }
  if (secondBest !== undefined) found.set(arch.id, secondBest);
}
