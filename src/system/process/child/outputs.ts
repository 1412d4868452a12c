/** What a process writes. */
import type { Readable } from 'node:stream';

export interface Output {
  readonly bytes: () => Uint8Array;
  /** Whether there was more than is kept. */
  readonly isCut: () => boolean;
}

/** Keeps an output of at most `maxBytes`. A longer one is cut and closed, and `onCut` is called. */
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

/** Throws an output away that has no reader by the next turn of the event loop: unread it would never close. */
export function discardUnread(stream: Readable | null): Output {
  setImmediate(() => {
    if (stream?.readableFlowing === null) stream.resume();
  });
  return { bytes: () => new Uint8Array(), isCut: () => false };
}
