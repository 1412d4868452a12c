import { knownBadFor } from '../catalogue/known-bad.ts';
import type { Arch, KnownBad } from '../catalogue/types.ts';
import { type Context, describeArches } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { kernelVersion } from '../system/host.ts';
import { pageSize } from '../system/page-size.ts';
import type { FoundEmulator } from './found.ts';

/** Known problems of the emulator's version on this machine. */
export async function knownProblems(
  { arch, profile, emulator: { version } }: FoundEmulator,
  host: Arch,
): Promise<readonly KnownBad[]> {
  if (profile.knownBad.length === 0) return [];
  const kernel = kernelVersion().join('.');
  return knownBadFor(profile, { version, guest: arch.id, host: host.id, kernel, pageSize: pageSize() });
}

/** @throws EMULATOR_UNFIT if there are known problems. */
export function assertNotKnownBad(
  { arch, profile, emulator }: FoundEmulator,
  [first, ...others]: readonly KnownBad[],
): void {
  if (first === undefined) return;
  const what = `${nameOf({ profile, emulator })} has known problems with ${arch.id}`;
  const why = [first, ...others].map(({ symptom, source }) => `${symptom} (${source})`).join('; ');
  const wayOut = [...new Set([first, ...others].map((each) => each.wayOut))].join('; ');
  throw new BinfmtctlError(
    'EMULATOR_UNFIT',
    `cannot use emulator ${emulator.from ?? emulator.path}: ${what}: ${why}`,
    { hint: `${wayOut}; or omit --strict to get a warning instead` },
  );
}

/** Warns once about each known problem, with all affected architectures. */
export async function warnOfKnownBad(
  found: readonly FoundEmulator[],
  host: Arch,
  { report }: Context,
): Promise<void> {
  const warnings = new Map<string, string[]>();
  for (const each of found) {
    const { arch, profile, emulator } = each;
    for (const { symptom, wayOut, source } of await knownProblems(each, host)) {
      const what = `${nameOf({ profile, emulator })} has a known problem: ${symptom}; ${wayOut} (${source})`;
      warnings.set(what, [...(warnings.get(what) ?? []), arch.id]);
    }
  }
  for (const [what, arches] of warnings)
    report({ kind: 'warning', text: `${describeArches(arches)}: ${what}` });
}

const nameOf = ({ profile, emulator }: Pick<FoundEmulator, 'profile' | 'emulator'>): string =>
  emulator.version === null ? profile.id : `${profile.id} ${emulator.version}`;
