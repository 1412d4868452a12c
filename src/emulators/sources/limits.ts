import type { PullOptions } from './types.ts';

/** What a network has to keep within. */
export const LIMITS: PullOptions['limits'] = {
  answerMs: 20_000,
  stallMs: 20_000,
  attempts: 5,
  backoffMs: 500,
  maxWaitMs: 60_000,
  // 4 kB a second: a modem of 56 kbit/s brings more.
  slowMs: 300_000,
  slowBytes: 300 * 4000,
};
