import type { Context } from '../context.ts';
import type { Candidate } from '../emulators/types.ts';
import { BinfmtctlError, type ErrorCode } from '../errors.ts';
import { failureOf, isUnreachable, OFFLINE_HINT } from '../net/error.ts';
import type { FetchProgress } from '../net/progress.ts';
import type { Natives } from '../safety/natives.ts';
import { openSource, parseSource, type SourceName } from '../sources/index.ts';
import { DEFAULT_IMAGE_EMULATORS } from '../sources/oci.ts';
import type { EmulatorTarget } from '../sources/types.ts';
import { assertNotInterrupted } from '../state/transaction.ts';
import { maskSecrets } from '../text/secrets.ts';

/**
 * The sources to try in order if none is given and this machine has no emulator. Empty in binfmtctl's image, which
 * contains all emulators.
 */
export const defaultSources = ({ inImage }: Pick<Context, 'inImage'>): readonly string[] =>
  inImage ? [] : DEFAULT_SOURCES;

const DEFAULT_SOURCES: readonly string[] = ['apt', 'oci'];

/** Errors after which the next default source may still succeed. */
const RETRYABLE_CODES: readonly ErrorCode[] = ['NO_TOOL', 'SOURCE_FAILED', 'BAD_PACKAGE'];

export interface Sources {
  readonly names: readonly (SourceName & { readonly name: string })[];
  /** The default sources. */
  readonly isDefault: boolean;
  /** Accepts url: without sha256. */
  readonly allowUnverified: boolean;
}

/**
 * Why no emulator was found yet, by id of the arch, in the order of the attempts: errors, and texts about sources
 * without an emulator, which are only reported together with an error.
 */
export type SourceProblems = Map<string, readonly (BinfmtctlError | string)[]>;

export interface Requirements {
  readonly host: Natives['host'];
  readonly context: Context;
  /** The caller verifies the emulators before running them. */
  readonly verified: boolean;
  readonly problems: SourceProblems;
  /** Targets without an emulator so far. */
  readonly missing: () => readonly EmulatorTarget[];
  /** True if the emulators found so far suffice, so that no further default source is tried. */
  readonly isEnough: () => boolean;
  readonly take: (candidates: readonly Candidate[], source: string) => Promise<void>;
}

/** Parses the sources, or the default sources if none is given. @throws BAD_SOURCE. */
export function parseSources(
  sourceNames: readonly string[],
  { allowUnverified = false }: { readonly allowUnverified?: boolean | undefined },
  context: Pick<Context, 'inImage'>,
): Sources {
  const names = sourceNames.length === 0 ? defaultSources(context) : sourceNames;
  return {
    names: names.map((name) => ({ name, ...parseSource(name, { allowUnverified }) })),
    isDefault: names === DEFAULT_SOURCES || names.length === 0,
    allowUnverified,
  };
}

/**
 * Tries the sources in order until no emulator is missing, and records in `problems` why an arch was not found. Records
 * failures of default sources too, because the next one may succeed; throws failures of given sources.
 *
 * @returns whether a default source failed.
 * @throws INTERRUPTED; the error of a given source, after the problems of earlier sources.
 */
export async function askSources(
  { names, isDefault, allowUnverified }: Sources,
  { host, context, verified, problems, missing, isEnough, take }: Requirements,
): Promise<boolean> {
  let failed = false;
  const { store, signal } = context;
  for (const [index, source] of names.entries()) {
    const targets = isDefault
      ? missing().flatMap((target) => offeredTargets(source.kind, target))
      : missing();
    if (targets.length === 0 && isDefault) continue;
    if (targets.length === 0 || (isDefault && index > 0 && isEnough())) break;
    const guests = targets.map(({ guest }) => guest);
    try {
      const text = `looking in ${maskSecrets(source.name)}`;
      context.report({ kind: 'stage', stage: 'find', text, arches: guests });
      const fetch = openSource(source);
      const options = {
        store,
        host: host.id,
        allowUnverified,
        verified,
        signal,
        report: reportTo(context, guests),
      };
      const candidates = await fetch(source.value, targets, options);
      for (const guest of guests.filter((each) => !candidates.some((found) => found.guest === each)))
        addProblem(problems, guest, `${maskSecrets(source.name)} has no emulator for ${guest}`);
      await take(candidates, source.name);
    } catch (error) {
      assertNotInterrupted(signal);
      if (!(error instanceof BinfmtctlError)) throw error;
      if (!isDefault || !RETRYABLE_CODES.includes(error.code))
        throw withEarlierProblems(error, guests, problems);
      failed = true;
      for (const guest of guests) addProblem(problems, guest, error);
    }
  }
  return failed;
}

/**
 * Restricts a target to the emulators that a default source offers: packaged ones for apt, QEMU for the default image.
 */
function offeredTargets(kind: string, target: EmulatorTarget): readonly EmulatorTarget[] {
  const profiles = target.profiles.filter(({ id, layouts }) =>
    kind === 'oci'
      ? DEFAULT_IMAGE_EMULATORS.includes(id)
      : layouts.some(({ packages }) => packages.length > 0),
  );
  return profiles.length === 0 ? [] : [{ ...target, profiles }];
}

/** Records an error, or a text about a source without an emulator for the arch. */
export function addProblem(problems: SourceProblems, arch: string, problem: BinfmtctlError | string): void {
  problems.set(arch, [...(problems.get(arch) ?? []), problem]);
}

/** Combines all reasons into one error with the code and hint of the first error; undefined if there is no error. */
export function combineProblems(
  arch: string,
  problems: readonly (BinfmtctlError | string)[] = [],
): BinfmtctlError | undefined {
  const failures = problems.filter((each) => typeof each !== 'string');
  const [first] = failures;
  if (first === undefined) return undefined;
  return failures.every(isUnreachable) ? offline(arch, failures) : joined(first, problems);
}

/** If no server can be reached, the URLs of the downloads do not help. */
function offline(arch: string, failures: readonly BinfmtctlError[]): BinfmtctlError {
  const reasons = failures.map(failureOf).map(({ host, why }) => `${host}: ${why}`);
  const message = `cannot fetch an emulator for ${arch}: ${[...new Set(reasons)].join('; ')}`;
  return new BinfmtctlError('SOURCE_FAILED', message, { hint: OFFLINE_HINT, cause: failures[0] });
}

/** Reasons are listed for up to this number of arches. */
const MAX_LISTED = 3;

/** The error of a source, preceded by the problems of earlier sources. */
function withEarlierProblems(
  error: BinfmtctlError,
  guests: readonly string[],
  problems: SourceProblems,
): BinfmtctlError {
  const earlier = guests.length > MAX_LISTED ? [] : guests.flatMap((guest) => problems.get(guest) ?? []);
  return joined(error, [...earlier, error]);
}

function joined(main: BinfmtctlError, all: readonly (BinfmtctlError | string)[]): BinfmtctlError {
  const messages = [...new Set(all.map((each) => (typeof each === 'string' ? each : each.message)))];
  if (messages.length === 1) return main;
  return new BinfmtctlError(main.code, messages.join('; '), { hint: main.hint, cause: main });
}

const reportTo =
  ({ report }: Context, arches: readonly string[]) =>
  (progress: FetchProgress): void => {
    if (progress.kind === 'bytes') report({ ...progress, stage: 'fetch', arches });
    else if (progress.kind === 'warning') report({ kind: 'warning', text: progress.text });
    else report({ kind: 'stage', stage: 'fetch', text: progress.text, arches });
  };
