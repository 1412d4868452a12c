/** Which of an emulator's versions are known to go wrong, for whom and where. */
import coerce from 'semver/functions/coerce.js';
import satisfies from 'semver/functions/satisfies.js';
import type { EmulatorProfile, KnownBad } from './types.ts';

/** An emulator at work. */
export interface AtWork {
  /** As the program prints it: `7.2.22`. */
  readonly version: string;
  /** Ids of the arch that it runs, and of the machine's own. */
  readonly guest: string;
  readonly host: string;
  /** The kernel's version: `6.18.0`. */
  readonly kernel: string;
}

/** What is known to go wrong; none for a version that is no number. */
export function knownBadFor(
  { knownBad }: EmulatorProfile,
  { version, guest, host, kernel }: AtWork,
): readonly KnownBad[] {
  const number = coerce(version);
  if (number === null) return [];
  return knownBad.filter(
    ({ range, guests, hosts, kernels = '*' }) =>
      speaksOf(guests, guest) &&
      speaksOf(hosts, host) &&
      satisfies(number, range) &&
      satisfies(coerce(kernel) ?? '0.0.0', kernels),
  );
}

const speaksOf = (ids: readonly string[], id: string): boolean => ids.includes('*') || ids.includes(id);
