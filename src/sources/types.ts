import type { EmulatorProfile } from '../catalogue/types.ts';
import type { Candidate } from '../emulators/types.ts';
import type { LimitedTransfer } from '../net/limits.ts';
import type { Transfer } from '../net/progress.ts';

/** An architecture that needs an emulator, and the emulators that can run it. */
export interface EmulatorTarget {
  /** Id of the arch to emulate. */
  readonly guest: string;
  /** Suitable emulators, in order of preference. */
  readonly profiles: readonly EmulatorProfile[];
}

export interface FetchOptions extends Transfer {
  readonly store: string;
  /** Id of the arch that the emulators run on. */
  readonly host: string;
  /** Accepts url: without sha256. */
  readonly allowUnverified?: boolean | undefined;
  /** The caller verifies the stored files before running them, so other users may be able to change the source. */
  readonly verified?: boolean | undefined;
}

export type PullOptions = FetchOptions & LimitedTransfer;

/**
 * Fetches emulators into the store and returns those that the source has. One call fetches all of them, so that an
 * archive is read only once.
 */
export type SourceFetcher = (
  value: string,
  targets: readonly EmulatorTarget[],
  options: FetchOptions,
) => Promise<readonly Candidate[]>;
