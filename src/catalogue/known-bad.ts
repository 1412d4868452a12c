/** Known problems of emulator versions. */
import coerce from 'semver/functions/coerce.js';
import satisfies from 'semver/functions/satisfies.js';
import type { EmulatorProfile, KnownBad } from './types.ts';

/** An emulator, and the machine that it runs on. */
export interface EmulatorVersion {
  /** As the program prints it: `7.2.22`; null if unknown. */
  readonly version: string | null;
  /** Ids of the arch that it runs, and of the machine's arch. */
  readonly guest: string;
  readonly host: string;
  /** The kernel's version: `6.18.0`. */
  readonly kernel: string;
  /** The kernel's page size in bytes; null if unknown. */
  readonly pageSize: number | null;
}

/** Returns the known problems of an emulator. If its version is unknown, these are only the problems of all versions. */
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
