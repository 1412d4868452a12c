import { setTimeout as sleep } from 'node:timers/promises';
import { BinfmtctlError, interrupted } from '../errors.ts';
import { failureOf, type HttpFailure, isTransient } from './error.ts';
import type { HttpResponse } from './http.ts';

export interface RetryLimits {
  /** How often something is tried in all, while nothing comes of it. */
  readonly attempts: number;
  /** Before the second attempt; doubled for each one after it. */
  readonly backoffMs: number;
  /** Most that a server can make us wait before we give up instead. */
  readonly maxWaitMs: number;
}

/**
 * Tries until it works, fails for good, or has failed too often. `attempt` is told to call `progressed` when it has got
 * further than before: the count begins anew then.
 *
 * @param report told of each failure after which it tries again, before it waits
 * @throws what the last attempt threw; INTERRUPTED.
 */
export async function withRetries<T>(
  attempt: (progressed: () => void) => Promise<T>,
  { attempts, backoffMs, maxWaitMs }: RetryLimits,
  signal: AbortSignal,
  report: (text: string) => void,
): Promise<T> {
  for (let failed = 0; ; ) {
    let further = false;
    try {
      return await attempt(() => {
        further = true;
      });
    } catch (error) {
      failed = further ? 1 : failed + 1;
      if (signal.aborted) throw interrupted(signal, 'fetching');
      if (!isTransient(error) || failed >= attempts) throw error;
      const { retryAfterMs } = failureOf(error);
      if (retryAfterMs !== undefined && retryAfterMs > maxWaitMs) throw tooLong(error, retryAfterMs);
      report(`${retryReason(error)}; trying again (${failed + 1} of ${attempts})`);
      const backoff = Math.min(backoffMs * 2 ** (failed - 1), maxWaitMs);
      // Somewhat at random, so that the machines which a server turned away do not all come back at once.
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
  return retryAfterMs > 0 ? `${host} asks to wait ${Math.ceil(retryAfterMs / 1000)} s` : `${host}: ${why}`;
}

/** What a status says about trying again. */
export const failureFrom = ({ status, headers, url }: Omit<HttpResponse, 'body'>): HttpFailure => ({
  status,
  host: url.host,
  why: `status ${status}`,
  retryAfterMs: parseRetryAfter(headers['retry-after'], Date.now()),
});

/** Milliseconds of a header Retry-After: seconds, or a date (RFC 9110 10.2.3). Undefined for what is neither. */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}

function tooLong(error: unknown, waitMs: number): BinfmtctlError {
  const message = error instanceof Error ? error.message : String(error);
  return new BinfmtctlError('SOURCE_FAILED', message, {
    hint: `it wants to be left alone for ${Math.ceil(waitMs / 60_000)} minutes: log in, or use a mirror`,
    cause: error,
  });
}
