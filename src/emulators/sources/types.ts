import type { EmulatorProfile } from '../../catalogue/types.ts';
import type { HttpLimits } from '../../system/http.ts';
import type { RetryLimits } from '../../system/http-retry.ts';
import type { Candidate } from '../types.ts';
import type { SpeedLimits } from './speed.ts';

/** One emulator that is wanted. */
export interface Want {
  /** Id of the arch that it is to run. */
  readonly guest: string;
  /** Emulators that would do, the preferred one first. */
  readonly profiles: readonly EmulatorProfile[];
}

export interface FetchOptions {
  readonly store: string;
  /** Id of the arch of the machine that they are to run on. */
  readonly host: string;
  /** Take also what has no sha256 by which it could be verified. */
  readonly allowUnverified?: boolean | undefined;
  /** Whoever asks compares what is stored with known bytes before it is run: then others may be able to write the source. */
  readonly verified?: boolean | undefined;
  readonly report: (progress: FetchProgress) => void;
  readonly signal: AbortSignal;
}

/** With what the network has to keep. */
export interface PullOptions extends FetchOptions {
  readonly limits: HttpLimits & RetryLimits & SpeedLimits;
}

export type FetchProgress =
  | { readonly kind: 'text' | 'warning'; readonly text: string }
  | {
      readonly kind: 'bytes';
      readonly done: number;
      readonly total: number | null;
      readonly secondsLeft: number | null;
    };

/**
 * Brings emulators into the store and returns those that it has; what it has not is left out. One call fetches all of
 * them, so that an archive is read once.
 */
export type Source = (
  value: string,
  wants: readonly Want[],
  options: FetchOptions,
) => Promise<readonly Candidate[]>;
