import type { HttpLimits } from './http.ts';
import type { Transfer } from './progress.ts';
import type { RetryLimits } from './retry.ts';
import type { SpeedLimits } from './speed.ts';

export type Limits = HttpLimits & RetryLimits & SpeedLimits;

/** A network transfer with limits. */
export interface LimitedTransfer extends Transfer {
  readonly limits: Limits;
}

/** The default limits. */
export const LIMITS: Limits = {
  answerMs: 20_000,
  stallMs: 20_000,
  attempts: 5,
  backoffMs: 500,
  maxWaitMs: 60_000,
  // 4 kB/s: a 56 kbit/s modem is faster.
  slowMs: 300_000,
  slowBytes: 300 * 4000,
};
