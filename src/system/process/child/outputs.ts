/** The outputs of a process. */
import type { Readable } from 'node:stream';

export interface Output {
  readonly bytes: () => Uint8Array;
  /** Whether the output was longer than the limit. */
  readonly isCut: () => boolean;
}

/** Collects an output of at most `maxBytes`. Cuts off and closes a longer one, and calls `onCut`. */
export function collect(stream: Readable | null, maxBytes: number, onCut: () => void): Output {
  const chunks: Uint8Array[] = [];
  let size = 0;
  stream?.on('data', (chunk: Uint8Array) => {
    if (size > maxBytes) return;
    chunks.push(chunk.subarray(0, maxBytes - size));
    size += chunk.length;
    if (size <= maxBytes) return;
    stream.destroy();
    onCut();
  });
  return { bytes: () => new Uint8Array(Buffer.concat(chunks)), isCut: () => size > maxBytes };
}

/** Discards an output that has no reader by the next turn of the event loop: an unread stream never closes. */
export function discardUnread(stream: Readable | null): Output {
  setImmediate(() => {
    if (stream?.readableFlowing === null) stream.resume();
  });
  return { bytes: () => new Uint8Array(), isCut: () => false };
}
