import type { HttpLimits } from './http.ts';
import type { Transfer } from './progress.ts';
import type { RetryLimits } from './retry.ts';
import type { SpeedLimits } from './speed.ts';

export type Limits = HttpLimits & RetryLimits & SpeedLimits;

/** A transfer over a network that has to keep within limits. */
export interface LimitedTransfer extends Transfer {
  readonly limits: Limits;
}

/** What a network has to keep within where nothing else is set. */
export const LIMITS: Limits = {
  answerMs: 20_000,
  stallMs: 20_000,
  attempts: 5,
  backoffMs: 500,
  maxWaitMs: 60_000,
  // 4 kB a second: a modem of 56 kbit/s brings more.
  slowMs: 300_000,
  slowBytes: 300 * 4000,
};
