/** Keeps memory low where much is streamed. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

/** After so many bytes the buffers that nobody uses any more are let go. */
const STEP = 8 * 1024 * 1024;

let streamed = 0;
let collect: Collect | undefined;

/**
 * Is told how many bytes went through buffers. V8 by itself waits until 30 to 60 MB of them are unused, which is more than
 * all the rest of a pull needs (v8 src/heap/heap.h kExternalAllocationSoftLimit); a scavenge takes half a millisecond.
 */
export function countStreamed(bytes: number): void {
  streamed += bytes;
  if (streamed < STEP) return;
  streamed = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}

function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('typeof gc === "function" ? gc : undefined');
  setFlagsFromString('--no-expose-gc');
  return typeof found === 'function' ? (found as Collect) : () => {};
}
