import type { Context } from '../context.ts';
import type { Candidate } from '../emulators/types.ts';
import { BinfmtctlError, type ErrorCode } from '../errors.ts';
import type { FetchProgress } from '../net/progress.ts';
import type { Natives } from '../safety/natives.ts';
import { openSource, parseSource, type SourceName } from '../sources/index.ts';
import { DEFAULT_IMAGE_EMULATORS } from '../sources/oci.ts';
import type { EmulatorTarget } from '../sources/types.ts';
import { assertNotInterrupted } from '../state/transaction.ts';
import { maskSecrets } from '../text/secrets.ts';

/**
 * Where emulators are fetched from where none is named and this machine has none: each where those before have it not. In our
 * container image nowhere: it has all in it.
 */
export const defaultSources = ({ inImage }: Pick<Context, 'inImage'>): readonly string[] =>
  inImage ? [] : DEFAULT_SOURCES;

const DEFAULT_SOURCES: readonly string[] = ['apt', 'oci'];

/** What may be otherwise with the next of the default sources. */
const RETRYABLE_CODES: readonly ErrorCode[] = ['NO_TOOL', 'SOURCE_FAILED', 'BAD_PACKAGE'];

export interface Sources {
  readonly names: readonly (SourceName & { readonly name: string })[];
  /** Nobody has named them. */
  readonly isDefault: boolean;
  /** Take also what has no sha256 by which it could be verified. */
  readonly allowUnverified: boolean;
}

/**
 * Why no emulator was found yet, by id of the arch, in the order of the attempts: failures, and texts about sources that
 * have none, which matter only beside a failure.
 */
export type SourceProblems = Map<string, readonly (BinfmtctlError | string)[]>;

export interface Requirements {
  readonly host: Natives['host'];
  readonly context: Context;
  /** What they give is compared with known bytes before it is run. */
  readonly verified: boolean;
  readonly problems: SourceProblems;
  /** What has not been found yet. */
  readonly missing: () => readonly EmulatorTarget[];
  /** Whether what has been found does, so that no second default source is asked. */
  readonly isEnough: () => boolean;
  readonly take: (candidates: readonly Candidate[], source: string) => Promise<void>;
}

/** The sources of these names, or the default ones where there are none. @throws BAD_SOURCE. */
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
 * Asks the sources in order until no emulator is missing, and keeps in `problems` why an arch was not found. A failure
 * of a default source is kept as well, because the next one may succeed; a failure of a named source is thrown.
 *
 * @returns whether a default source failed.
 * @throws INTERRUPTED; what a named source throws, after the reasons that earlier sources gave.
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

/** What a default source may have of it: other emulators are in no distribution's archive, and only QEMU is in the pinned image. */
function offeredTargets(kind: string, target: EmulatorTarget): readonly EmulatorTarget[] {
  const profiles = target.profiles.filter(({ id, layouts }) =>
    kind === 'oci'
      ? DEFAULT_IMAGE_EMULATORS.includes(id)
      : layouts.some(({ packages }) => packages.length > 0),
  );
  return profiles.length === 0 ? [] : [{ ...target, profiles }];
}

/** Keeps a failure, or the name of a source that has nothing for the arch. */
export function addProblem(problems: SourceProblems, arch: string, problem: BinfmtctlError | string): void {
  problems.set(arch, [...(problems.get(arch) ?? []), problem]);
}

/** One error that names every reason, with the code and hint of the first failure; undefined without a failure. */
export function combineProblems(
  problems: readonly (BinfmtctlError | string)[] = [],
): BinfmtctlError | undefined {
  const first = problems.find((each) => typeof each !== 'string');
  return first === undefined ? undefined : joined(first, problems);
}

/** More arches than this have too many reasons to name. */
const FEW = 3;

/** The failure of a source, after the reasons why those before did not do. */
function withEarlierProblems(
  error: BinfmtctlError,
  guests: readonly string[],
  problems: SourceProblems,
): BinfmtctlError {
  const earlier = guests.length > FEW ? [] : guests.flatMap((guest) => problems.get(guest) ?? []);
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
