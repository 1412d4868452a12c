import type { EmulatorProfile } from '../catalogue/types.ts';
import type { Candidate } from '../emulators/types.ts';
import type { LimitedTransfer } from '../net/limits.ts';
import type { Transfer } from '../net/progress.ts';

/** An architecture that needs an emulator, and the emulators that can run it. */
export interface EmulatorTarget {
  /** Id of the arch that it is to run. */
  readonly guest: string;
  /** Emulators that would do, the preferred one first. */
  readonly profiles: readonly EmulatorProfile[];
}

export interface FetchOptions extends Transfer {
  readonly store: string;
  /** Id of the arch of the machine that they are to run on. */
  readonly host: string;
  /** Take also what has no sha256 by which it could be verified. */
  readonly allowUnverified?: boolean | undefined;
  /** Whoever asks compares what is stored with known bytes before it is run: then others may be able to write the source. */
  readonly verified?: boolean | undefined;
}

export type PullOptions = FetchOptions & LimitedTransfer;

/**
 * Brings emulators into the store and returns those that it has; what it has not is left out. One call fetches all of
 * them, so that an archive is read once.
 */
export type SourceFetcher = (
  value: string,
  targets: readonly EmulatorTarget[],
  options: FetchOptions,
) => Promise<readonly Candidate[]>;
