/** Keeps memory low where much is streamed, in a process that wants it. */

/** After so many bytes the buffers that nobody uses any more are let go. */
const STEP = 4 * 1024 * 1024;

let streamed = 0;
let collect: (() => void) | null = null;

/**
 * Sets what frees unused buffers. V8 by itself waits until 30 to 60 MB of them are unused, which is more than all the rest of a
 * pull needs (v8 src/heap/heap.h kExternalAllocationSoftLimit); how long it waits is for the owner of the process to decide.
 */
export function collectWith(collector: () => void): void {
  collect = collector;
}

/** Is told how many bytes went through buffers. */
export function countStreamed(bytes: number): void {
  streamed += bytes;
  if (streamed < STEP) return;
  streamed = 0;
  collect?.();
}
