import type { Header } from 'tar-stream';
import { readTar, type TarOptions } from '../archive/tar-reader.ts';

const BLOCK = 512;
/** Smaller files are buffered until the next entry. */
const SMALL = 64 * 1024;
/** Two blocks of zeros (POSIX pax, "ustar Interchange Format"). */
const END = new Uint8Array(2 * BLOCK);

/**
 * Removes entries from a tar archive. The bytes of the other entries stay unchanged, including the extended attributes
 * and long names before them.
 *
 * @param keep called once for each entry, in order; its errors end the archive
 * @throws errors of `readTar`.
 */
export async function* filterTar(
  bytes: AsyncIterable<Uint8Array>,
  options: TarOptions,
  keep: (header: Header) => boolean,
): AsyncGenerator<Uint8Array> {
  const window = newWindow();
  let kept = false;
  let end = 0;
  for await (const { header, offset, bytes: content } of readTar(window.watch(bytes), options)) {
    const before = window.take(end);
    if (kept) yield* before;
    kept = keep(header);
    const size = header.size ?? 0;
    end = offset + Math.ceil(size / BLOCK) * BLOCK;
    if (size <= SMALL) continue;
    for await (const _ of content) {
      const parts = window.take(end);
      if (kept) yield* parts;
    }
  }
  const last = window.take(end);
  if (kept) yield* last;
  yield END;
}

/** Buffers bytes between reading and taking them. */
function newWindow() {
  let pending: Uint8Array[] = [];
  let position = 0;
  return {
    watch: async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of bytes) {
        pending.push(chunk);
        yield chunk;
      }
    },
    /** Takes all bytes before `end`. */
    take: (end: number): readonly Uint8Array[] => {
      const taken: Uint8Array[] = [];
      let index = 0;
      for (; index < pending.length && position < end; index++) {
        const chunk = pending[index] as Uint8Array;
        const part = chunk.subarray(0, end - position);
        position += part.length;
        taken.push(part);
        if (part.length < chunk.length) {
          pending[index] = chunk.subarray(part.length);
          break;
        }
      }
      pending = pending.slice(index);
      return taken;
    },
  };
}
