import { knownBadFor } from '../catalogue/known-bad.ts';
import type { Arch, KnownBad } from '../catalogue/types.ts';
import { type Context, describeArches } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { kernelVersion } from '../system/host.ts';
import { pageSize } from '../system/page-size.ts';
import type { FoundEmulator } from './found.ts';

/** What is known to go wrong with an emulator of its version on this machine. */
export async function knownProblems(
  { arch, profile, emulator: { version } }: FoundEmulator,
  host: Arch,
): Promise<readonly KnownBad[]> {
  if (profile.knownBad.length === 0) return [];
  const kernel = kernelVersion().join('.');
  return knownBadFor(profile, { version, guest: arch.id, host: host.id, kernel, pageSize: pageSize() });
}

/** @throws EMULATOR_UNFIT where something is known to go wrong with it. */
export function assertNotKnownBad(
  { arch, profile, emulator }: FoundEmulator,
  [first, ...others]: readonly KnownBad[],
): void {
  if (first === undefined) return;
  const what = `${nameOf({ profile, emulator })} is known to be bad for ${arch.id}`;
  const why = [first, ...others].map(({ symptom, source }) => `${symptom} (${source})`).join('; ');
  const wayOut = [...new Set([first, ...others].map((each) => each.wayOut))].join('; ');
  throw new BinfmtctlError(
    'EMULATOR_UNFIT',
    `${emulator.from ?? emulator.path} cannot be the emulator: ${what}: ${why}`,
    { hint: `${wayOut}; without --strict it is taken, with a warning` },
  );
}

/** Warns once of each thing that is known to go wrong, with all architectures that it concerns. */
export async function warnOfKnownBad(
  found: readonly FoundEmulator[],
  host: Arch,
  { report }: Context,
): Promise<void> {
  const warnings = new Map<string, string[]>();
  for (const each of found) {
    const { arch, profile, emulator } = each;
    for (const { symptom, wayOut, source } of await knownProblems(each, host)) {
      const what = `${nameOf({ profile, emulator })} is known to be bad: ${symptom}; ${wayOut} (${source})`;
      warnings.set(what, [...(warnings.get(what) ?? []), arch.id]);
    }
  }
  for (const [what, arches] of warnings)
    report({ kind: 'warning', text: `${describeArches(arches)}: ${what}` });
}

const nameOf = ({ profile, emulator }: Pick<FoundEmulator, 'profile' | 'emulator'>): string =>
  emulator.version === null ? profile.id : `${profile.id} ${emulator.version}`;
