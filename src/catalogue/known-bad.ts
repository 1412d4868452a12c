/** Which of an emulator's versions are known to go wrong, for whom and where. */
import coerce from 'semver/functions/coerce.js';
import satisfies from 'semver/functions/satisfies.js';
import type { EmulatorProfile, KnownBad } from './types.ts';

/** An emulator at work. */
export interface EmulatorVersion {
  /** As the program prints it: `7.2.22`; null if it is not known. */
  readonly version: string | null;
  /** Ids of the arch that it runs, and of the machine's own. */
  readonly guest: string;
  readonly host: string;
  /** The kernel's version: `6.18.0`. */
  readonly kernel: string;
  /** Bytes of a page of the kernel; null if it is not known. */
  readonly pageSize: number | null;
}

/** Returns the known problems of an emulator. If its version is unknown or not a number, only problems of all versions. */
export function knownBadFor(
  { knownBad }: EmulatorProfile,
  { version, guest, host, kernel, pageSize }: EmulatorVersion,
): readonly KnownBad[] {
  const number = coerce(version);
  return knownBad.filter(
    ({ range, guests, hosts, kernels = '*', pageSizes }) =>
      appliesTo(guests, guest) &&
      appliesTo(hosts, host) &&
      (range === '*' || (number !== null && satisfies(number, range))) &&
      satisfies(coerce(kernel) ?? '0.0.0', kernels) &&
      (pageSizes === undefined || pageSize === null || pageSizes.includes(pageSize)),
  );
}

const appliesTo = (ids: readonly string[], id: string): boolean => ids.includes('*') || ids.includes(id);
