import { constants, createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileKind } from '../file-format/file-kind.ts';
import { corrupt } from '../system/file/integrity.ts';
import { countStreamed } from '../system/memory.ts';
import type { Compression } from './compression.ts';
import { splitBlocks } from './zstd.ts';

const CHUNK = 64 * 1024;

/** Detects the compression of a file from its first bytes. */
export async function compressionOf(path: string): Promise<Compression> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
  return compressionOfBytes(buffer.subarray(0, bytesRead));
}

function compressionOfBytes(head: Uint8Array): Compression {
  const kind = fileKind(head);
  return kind === 'gzip' || kind === 'zstd' ? kind : 'none';
}

/** Decompresses a file. @throws BAD_PACKAGE for invalid data; read errors. */
export function unpackFile(path: string, compression: Compression): AsyncIterable<Uint8Array> {
  return unpack(createReadStream(path, { highWaterMark: CHUNK }), compression);
}

/** Decompresses a stream, as `unpackFile` does a file. Closes `bytes` when the caller stops reading. */
export async function* unpack(
  bytes: AsyncIterable<Uint8Array>,
  compression: Compression | 'detect',
): AsyncGenerator<Uint8Array> {
  if (compression === 'detect') yield* detected(bytes);
  else if (compression === 'none') yield* bytes;
  else if (compression === 'zstd') yield* unzstd(bytes);
  else yield* gunzip(bytes);
}

async function* detected(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  const head = first.done === true ? new Uint8Array() : first.value;
  async function* all(): AsyncGenerator<Uint8Array> {
    yield head;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  yield* unpack(all(), compressionOfBytes(head.subarray(0, 8)));
}

async function* gunzip(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { createGunzip } = await import('node:zlib');
  const unpacked = createGunzip({ chunkSize: CHUNK });
  const input = Readable.from(bytes, { objectMode: false });
  const piped = pipeline(input, unpacked).catch(() => {});
  try {
    yield* unpacked as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw unreadable(cause);
  } finally {
    unpacked.destroy();
    await piped;
  }
}

async function* unzstd(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { Decompress } = await import('fzstd');
  let out: Uint8Array[] = [];
  const decoder = new Decompress((chunk) => {
    // fzstd copies each block three times.
    countStreamed(3 * chunk.length);
    out.push(chunk);
  });
  const blocks = splitBlocks();
  const decoded = (block: Uint8Array, isLast: boolean): readonly Uint8Array[] => {
    try {
      // In two parts: fzstd 0.1 never frees a chunk that ends at the end of a block.
      decoder.push(block.subarray(0, -1));
      decoder.push(block.subarray(-1), isLast);
    } catch (cause) {
      throw unreadable(cause);
    }
    const chunks = out;
    out = [];
    return chunks;
  };
  for await (const chunk of bytes) {
    for (const block of blocks.push(chunk)) yield* decoded(block, false);
  }
  if (!blocks.isComplete()) throw corrupt('cannot unpack the archive: truncated zstd data');
  yield* decoded(new Uint8Array(), true);
}

function unreadable(cause: unknown): unknown {
  const { code = '', message = '' } = cause as { code?: string | number; message?: string };
  // An error of the stream that the data comes from.
  if (cause instanceof Error && cause.name === 'BinfmtctlError') return cause;
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return cause;
  return corrupt(`cannot unpack the archive: ${message}`, cause);
}
