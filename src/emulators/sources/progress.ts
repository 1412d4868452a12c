import type { FetchOptions } from './types.ts';

const INTERVAL_MS = 100;

/** Reports how much of so many bytes is there, ten times a second, and the end. */
export function byteProgress(total: number, report: FetchOptions['report']): (done: number) => void {
  const started = performance.now();
  let last = Number.NEGATIVE_INFINITY;
  return (done) => {
    const now = performance.now();
    if (now - last < INTERVAL_MS && done < total) return;
    last = now;
    const seconds = (now - started) / 1000;
    report({ kind: 'bytes', done, total, secondsLeft: done > 0 ? seconds * (total / done - 1) : null });
  };
}
