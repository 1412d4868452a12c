/** Keeps memory usage low while large amounts of data are streamed. */

/** Unused buffers are freed after this many bytes. */
const STEP = 4 * 1024 * 1024;

let streamed = 0;
let collect: (() => void) | null = null;

/**
 * Sets the function that frees unused buffers. V8 frees them only after 30 to 60 MB, more than the rest of a pull needs
 * (v8 src/heap/heap.h kExternalAllocationSoftLimit). Only the owner of the process may change that, so a library never does.
 */
export function collectWith(collector: () => void): void {
  collect = collector;
}

/** Counts bytes that went through buffers. */
export function countStreamed(bytes: number): void {
  streamed += bytes;
  if (streamed < STEP) return;
  streamed = 0;
  collect?.();
}
