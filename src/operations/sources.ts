import { openSource, parseSource, type SourceName } from '../emulators/sources/index.ts';
import type { FetchProgress, Want } from '../emulators/sources/types.ts';
import type { Candidate } from '../emulators/types.ts';
import { BinfmtctlError, type ErrorCode } from '../errors.ts';
import type { Context } from './context.ts';
import type { Natives } from './natives.ts';

/**
 * Where emulators are fetched from where none is named and this machine has none: each where those before have it not. In our
 * container image nowhere: it has all in it.
 */
export const DEFAULT_SOURCES: readonly string[] =
  process.env['BINFMTCTL_IMAGE'] === undefined ? ['apt', 'oci'] : [];

/** What may be otherwise with the next of the default sources. */
const PASSING: readonly ErrorCode[] = ['NO_TOOL', 'SOURCE_FAILED', 'BAD_PACKAGE'];

export interface Sources {
  readonly names: readonly (SourceName & { readonly name: string })[];
  /** Nobody has named them. */
  readonly isDefault: boolean;
  /** Take also what has no sha256 by which it could be verified. */
  readonly allowUnverified: boolean;
}

export interface Asked {
  readonly host: Natives['host'];
  readonly context: Context;
  /** What they give is compared with known bytes before it is run. */
  readonly verified: boolean;
  /** What has not been found yet. */
  readonly wanted: () => readonly Want[];
  /** Whether what has been found does, so that no second default source is asked. */
  readonly isEnough: () => boolean;
  readonly take: (candidates: readonly Candidate[], source: string) => Promise<void>;
}

/** The sources of these names, or the default ones where there are none. @throws BAD_SOURCE. */
export function parseSources(named: readonly string[], allowUnverified = false): Sources {
  const names = named.length === 0 ? DEFAULT_SOURCES : named;
  return {
    names: names.map((name) => ({ name, ...parseSource(name, allowUnverified) })),
    isDefault: names === DEFAULT_SOURCES,
    allowUnverified,
  };
}

/**
 * Asks the sources in order until nothing is wanted any more. What is wrong with a default source is returned, as the
 * next may do; with one that was named it is thrown.
 */
export async function askSources(
  { names, isDefault, allowUnverified }: Sources,
  { host, context, verified, wanted, isEnough, take }: Asked,
): Promise<readonly BinfmtctlError[]> {
  const failures: BinfmtctlError[] = [];
  const { store, signal } = context;
  for (const [index, source] of names.entries()) {
    const wants = wanted();
    if (wants.length === 0 || (isDefault && index > 0 && isEnough())) break;
    try {
      const fetch = openSource(source);
      const options = { store, host: host.id, allowUnverified, verified, signal, report: reportTo(context) };
      await take(await fetch(source.value, wants, options), source.name);
    } catch (error) {
      if (!isDefault || !(error instanceof BinfmtctlError) || !PASSING.includes(error.code)) throw error;
      failures.push(error);
    }
  }
  return failures;
}

/** One error for all sources that failed. */
export function asOne(failures: readonly BinfmtctlError[]): BinfmtctlError | undefined {
  const [first] = failures;
  if (first === undefined || failures.length === 1) return first;
  const message = failures.map((each) => each.message).join('; ');
  return new BinfmtctlError(first.code, message, { hint: first.hint, cause: first });
}

const reportTo =
  ({ report }: Context) =>
  (progress: FetchProgress): void => {
    if (progress.kind === 'bytes') report({ ...progress, stage: 'fetch' });
    else if (progress.kind === 'warning') report({ kind: 'warning', text: progress.text });
    else report({ kind: 'stage', stage: 'fetch', text: progress.text });
  };
