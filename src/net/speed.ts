/** Limits for the duration of a download. */
import { BinfmtctlError } from '../errors.ts';
import type { Transfer } from './progress.ts';

export interface SpeedLimits {
  /** The length of a period, which counts only the time spent receiving. */
  readonly slowMs: number;
  /** The minimum number of bytes in each period. */
  readonly slowBytes: number;
}

export interface SpeedFloor {
  /** Starts or resumes the clock. */
  readonly resume: () => void;
  /** Counts received bytes. @throws SOURCE_FAILED, without a retry, if the download is too slow. */
  readonly received: (bytes: number) => void;
  readonly pause: () => void;
}

/** A minimum speed over all attempts of a download, so that one that is slow but never stalls does not take hours. */
export function speedFloor(
  what: string,
  { slowMs, slowBytes }: SpeedLimits,
  now: () => number = () => performance.now(),
): SpeedFloor {
  let total = 0;
  let spent = 0;
  let since = now();
  const count = (): void => {
    const at = now();
    spent += at - since;
    since = at;
  };
  return {
    resume: () => {
      since = now();
    },
    received: (bytes) => {
      count();
      total += bytes;
      if (spent < slowMs) return;
      if (total < slowBytes) throw tooSlow(what, total, spent);
      total = 0;
      spent = 0;
    },
    pause: count,
  };
}

const VARIABLE = 'BINFMTCTL_DOWNLOAD_TIMEOUT';

/**
 * Fetches within the number of seconds in BINFMTCTL_DOWNLOAD_TIMEOUT, if it is set.
 *
 * @throws SOURCE_FAILED after that time; USAGE for an invalid value; errors of `fetch`.
 */
export async function withinTotalTime<Options extends Transfer, T>(
  options: Options,
  fetch: (options: Options) => Promise<T>,
  text: string = process.env[VARIABLE] ?? '',
): Promise<T> {
  if (text === '') return fetch(options);
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new BinfmtctlError('USAGE', `invalid value of ${VARIABLE}: ${JSON.stringify(text)}`, {
      hint: `set ${VARIABLE} to a number of seconds such as 600, or unset it`,
    });
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort('timeout'), Number(text) * 1000);
  try {
    return await fetch({ ...options, signal: AbortSignal.any([options.signal, limit.signal]) });
  } catch (error) {
    if (!limit.signal.aborted || options.signal.aborted) throw error;
    throw new BinfmtctlError('SOURCE_FAILED', `fetching took longer than ${text} s`, {
      hint: `use a mirror, or increase ${VARIABLE}`,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

function tooSlow(what: string, bytes: number, ms: number): BinfmtctlError {
  const speed = `${Math.round(bytes / 1000)} kB in ${Math.round(ms / 1000)} s`;
  return new BinfmtctlError('SOURCE_FAILED', `cannot fetch ${what}: the connection is too slow (${speed})`, {
    hint: 'try again later, or use a mirror',
  });
}
