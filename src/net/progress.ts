/** The progress of a long operation. */
export type FetchProgress =
  | { readonly kind: 'text' | 'warning'; readonly text: string }
  | {
      readonly kind: 'bytes';
      readonly done: number;
      readonly total: number | null;
      readonly secondsLeft: number | null;
    };

/** The progress callback and the abort signal of a long operation. */
export interface Transfer {
  readonly report: (progress: FetchProgress) => void;
  readonly signal: AbortSignal;
}

const INTERVAL_MS = 100;

/** Returns a function that reports a transfer's progress, at most ten times a second and at the end. An unknown total is null. */
export function byteProgress(report: Transfer['report']): (done: number, total: number | null) => void {
  const started = performance.now();
  let last = Number.NEGATIVE_INFINITY;
  return (done, total) => {
    const now = performance.now();
    if (now - last < INTERVAL_MS && done !== total) return;
    last = now;
    const seconds = (now - started) / 1000;
    const secondsLeft = done > 0 && total !== null ? seconds * (total / done - 1) : null;
    report({ kind: 'bytes', done, total, secondsLeft });
  };
}
