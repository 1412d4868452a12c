/**
 * Splits a zstd stream into its blocks (RFC 8878 3.1), so that each can be decoded separately. This bounds memory: a decoded
 * block has at most 128 KiB, and the window size is checked before the decoder allocates it.
 */
import { BinfmtctlError } from '../errors.ts';

/** In bytes: the window that every decoder should support and no encoder should exceed (RFC 8878 3.1.1.1.2, RFC 9659). */
export const MAX_WINDOW = 8 * 1024 * 1024;
const MAX_BLOCK = 128 * 1024;
const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;

/** Splits a stream of zstd frames as it arrives. */
export interface BlockSplitter {
  /**
   * Takes the next bytes and returns all complete units. A unit is a block. The first block of a frame includes the frame
   * header, the last one the checksum. @throws BAD_PACKAGE for invalid data, a dictionary, or too large a window.
   */
  readonly push: (bytes: Uint8Array) => readonly Uint8Array[];
  /** Whether all frames are complete. */
  readonly isComplete: () => boolean;
}

export function splitBlocks(): BlockSplitter {
  let pending: Uint8Array[] = [];
  let size = 0;
  /** Known minimum size of the next unit. */
  let needed = 4;
  let toSkip = 0;
  let checksum: 0 | 4 | null = null;
  let frames = 0;

  function* units(): Generator<Uint8Array> {
    while (size >= needed && size > 0) {
      const bytes = joined(pending);
      pending = [bytes];
      const unit = next(bytes);
      if (unit === null) continue;
      pending = [bytes.subarray(unit.length)];
      size -= unit.length;
      needed = checksum === null ? 4 : 3;
      if (!unit.skipped) yield bytes.subarray(0, unit.length);
    }
  }

  /** The unit at the start of `bytes`. Sets `needed` and returns null if it is incomplete. */
  function next(bytes: Uint8Array): { length: number; skipped: boolean } | null {
    let at = 0;
    let trailer = checksum;
    if (trailer === null) {
      const header = readHeader(bytes);
      if (typeof header === 'number') return waitFor(header);
      if ('skip' in header) {
        toSkip = header.skip;
        const here = Math.min(size, toSkip);
        toSkip -= here;
        return { length: here, skipped: true };
      }
      at = header.length;
      trailer = header.checksum;
    }
    if (size < at + 3) return waitFor(at + 3);
    const block = readBlock(bytes, at);
    const end = at + 3 + block.length + (block.last ? trailer : 0);
    if (size < end) return waitFor(end);
    checksum = block.last ? null : trailer;
    frames += block.last ? 1 : 0;
    return { length: end, skipped: false };
  }

  function waitFor(count: number): null {
    needed = count;
    return null;
  }

  return {
    push: (bytes) => {
      const skipped = Math.min(toSkip, bytes.length);
      toSkip -= skipped;
      if (bytes.length > skipped) pending.push(bytes.subarray(skipped));
      size += bytes.length - skipped;
      return [...units()];
    },
    isComplete: () => size === 0 && toSkip === 0 && checksum === null && frames > 0,
  };
}

type Header = { readonly length: number; readonly checksum: 0 | 4 } | { readonly skip: number };

/** Reads a frame header, or returns the number of bytes needed to read it. */
function readHeader(bytes: Uint8Array): Header | number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0, true);
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE)
    return bytes.length < 8 ? 8 : { skip: 8 + view.getUint32(4, true) };
  if (magic !== MAGIC) throw bad(INVALID);
  if (bytes.length < 5) return 5;
  const descriptor = view.getUint8(4);
  const isSingle = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0) throw bad(INVALID);
  if ((descriptor & 0x03) !== 0) throw bad('it requires a zstd dictionary');
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const length = 5 + (isSingle ? 0 : 1) + sizeBytes;
  if (bytes.length < length) return length;
  const window = isSingle ? contentSize(view, 5, sizeBytes) : windowSize(view.getUint8(5));
  if (window > MAX_WINDOW) throw bad(`its window has ${window} bytes (limit: ${MAX_WINDOW})`);
  return { length, checksum: (descriptor & 0x04) === 0 ? 0 : 4 };
}

function contentSize(view: DataView, at: number, bytes: number): number {
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, true) + 256;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** `length` is the size of the block's content in the stream. An RLE block has one byte. */
function readBlock(bytes: Uint8Array, at: number): { readonly last: boolean; readonly length: number } {
  const word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  const [type, size] = [(word >> 1) & 3, word >> 3];
  if (type === 3 || size > MAX_BLOCK) throw bad(INVALID);
  return { last: (word & 1) === 1, length: type === 1 ? 1 : size };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const INVALID = 'invalid zstd data';

function bad(why: string): BinfmtctlError {
  return new BinfmtctlError('BAD_PACKAGE', `cannot unpack the archive: ${why}`, {
    hint: 'download it again, or compress it with gzip or with zstd up to level 19',
  });
}
