import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LIMITS } from '../../../src/net/limits.ts';
import { speedFloor, withinTotalTime } from '../../../src/net/speed.ts';
import type { FetchOptions } from '../../../src/sources/types.ts';

describe('speedFloor', () => {
  /** Receives this many bytes per second. Returns the second of the failure, or null. */
  function receive(bytesPerSecond: number, seconds: number): number | null {
    let now = 0;
    const floor = speedFloor('layer', LIMITS, () => now);
    for (let second = 1; second <= seconds; second++) {
      // One attempt per minute, each after a wait that does not count.
      if (second % 60 === 1) {
        floor.pause();
        now += 45_000;
        floor.resume();
      }
      now += 1000;
      try {
        floor.received(bytesPerSecond);
      } catch (error) {
        expect(error).toMatchObject({ code: 'SOURCE_FAILED', message: expect.stringContaining('too slow') });
        return second;
      }
    }
    return null;
  }

  it('accepts a slow connection for hours, with any waits between attempts', () => {
    expect(receive(5000, 5 * 3600)).toBeNull();
  });

  it('rejects a trickle that never stalls, over all attempts', () => {
    expect(receive(1100, 3600)).toBe(300);
  });

  it('rejects a download that becomes a trickle', () => {
    let now = 0;
    const floor = speedFloor('layer', LIMITS, () => now);
    floor.received(100_000_000);
    now = 300_000;
    floor.received(1);
    now = 600_000;
    expect(() => floor.received(100_000)).toThrow(expect.objectContaining({ code: 'SOURCE_FAILED' }));
  });
});

describe('withinTotalTime', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const outer = new AbortController();
  const options: FetchOptions = { store: '/store', host: 'x86_64', report: () => {}, signal: outer.signal };
  /** Fetches until it is interrupted. */
  const forever = ({ signal }: FetchOptions): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('interrupted')));
    });

  it('fails after that time, and names the variable', async () => {
    const ended = withinTotalTime(options, forever, '60').catch((error: unknown) => error);
    vi.advanceTimersByTime(60_000);
    expect(await ended).toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('60 s'),
      hint: expect.stringContaining('BINFMTCTL_DOWNLOAD_TIMEOUT'),
    });
  });

  it('passes on a result, and an earlier failure', async () => {
    expect(await withinTotalTime(options, async () => 7, '60')).toBe(7);
    await expect(withinTotalTime(options, () => Promise.reject(new Error('x')), '60')).rejects.toThrow('x');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sets no limit by default', async () => {
    expect(await withinTotalTime(options, async ({ signal }) => signal, '')).toBe(outer.signal);
  });

  it.each(['0', '-1', '1h', '1.5', ' '])('rejects %j', async (text) => {
    await expect(withinTotalTime(options, async () => 7, text)).rejects.toMatchObject({ code: 'USAGE' });
  });
});
