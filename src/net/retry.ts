import { setTimeout as sleep } from 'node:timers/promises';
import { BinfmtctlError, interrupted } from '../errors.ts';
import { failureOf, type HttpFailure, isTransient } from './error.ts';
import type { HttpResponse } from './http.ts';

export interface RetryLimits {
  /** Maximum number of attempts without progress. */
  readonly attempts: number;
  /** Wait before the second attempt; doubled for each further one. */
  readonly backoffMs: number;
  /** Maximum Retry-After of a server: a longer one is an error. */
  readonly maxWaitMs: number;
}

/**
 * Retries `attempt` until it succeeds, fails permanently, or has failed too often. `attempt` calls `progressed` when it has made
 * progress, which resets the count.
 *
 * @param report called before each wait, with the reason for the retry
 * @throws the error of the last attempt; INTERRUPTED.
 */
export async function withRetries<T>(
  attempt: (progressed: () => void) => Promise<T>,
  { attempts, backoffMs, maxWaitMs }: RetryLimits,
  signal: AbortSignal,
  report: (text: string) => void,
): Promise<T> {
  for (let failed = 0; ; ) {
    let hasProgressed = false;
    try {
      return await attempt(() => {
        hasProgressed = true;
      });
    } catch (error) {
      failed = hasProgressed ? 1 : failed + 1;
      if (signal.aborted) throw interrupted(signal, 'fetching');
      if (!isTransient(error) || failed >= attempts) throw error;
      const { retryAfterMs } = failureOf(error);
      if (retryAfterMs !== undefined && retryAfterMs > maxWaitMs) throw tooLong(error, retryAfterMs);
      report(`${retryReason(error)}; retrying (${failed + 1} of ${attempts})`);
      const backoff = Math.min(backoffMs * 2 ** (failed - 1), maxWaitMs);
      // With jitter, so that clients of an overloaded server do not all retry at once.
      const wait = Math.max(retryAfterMs ?? 0, backoff * (0.5 + Math.random() / 2));
      await sleep(wait, undefined, { signal }).catch(() => {
        throw interrupted(signal, 'fetching');
      });
    }
  }
}

function retryReason(error: unknown): string {
  const { retryAfterMs = 0, host, why } = failureOf(error);
  if (host === undefined) return error instanceof Error ? error.message : String(error);
  return retryAfterMs > 0 ? `${host}: asked to wait ${Math.ceil(retryAfterMs / 1000)} s` : `${host}: ${why}`;
}

/** Returns the cause for an error status. */
export const failureFrom = ({ status, headers, url }: Omit<HttpResponse, 'body'>): HttpFailure => ({
  status,
  host: url.host,
  why: `status ${status}`,
  retryAfterMs: parseRetryAfter(headers['retry-after'], Date.now()),
});

/** Parses a Retry-After header, seconds or a date (RFC 9110 10.2.3), to milliseconds. Undefined if it is invalid. */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}

function tooLong(error: unknown, waitMs: number): BinfmtctlError {
  const message = error instanceof Error ? error.message : String(error);
  return new BinfmtctlError('SOURCE_FAILED', message, {
    hint: `try again in ${Math.ceil(waitMs / 60_000)} minutes, log in, or use a mirror`,
    cause: error,
  });
}
