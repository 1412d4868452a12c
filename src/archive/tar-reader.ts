import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { interrupted } from '../errors.ts';
import { corrupt } from '../system/file/integrity.ts';
import { countStreamed } from '../system/memory.ts';
import { tarProblem } from './tar-entry.ts';

/** Bounds for one archive: a whole Debian system has 10 000 entries. */
const MAX_ENTRIES = 1_000_000;
/** Bytes that belong to no entry: headers of long names, and what fills up the end. */
const MAX_SLACK = 4 * 1024 * 1024;
const BLOCK = 512;

export interface TarEntry {
  readonly header: Header;
  /** Where its bytes begin in the archive. */
  readonly offset: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface TarOptions {
  /** For messages: `layer sha256:…`. */
  readonly what: string;
  /** Most bytes that the archive may have. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/**
 * The entries of a tar archive, in order. Bytes of an entry that are not read are passed over; once nobody wants more
 * entries the archive is read no further.
 *
 * @throws BAD_PACKAGE for one that is cut off, damaged, or has too much of anything; INTERRUPTED; what reading `bytes` throws.
 */
export async function* readTar(
  bytes: AsyncIterable<Uint8Array>,
  { what, maxBytes, signal }: TarOptions,
): AsyncGenerator<TarEntry> {
  const { extract } = await import('tar-stream');
  const archive = extract();
  const count = { read: 0, explained: MAX_SLACK, entries: 0 };
  let failed: unknown;
  async function* bounded(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of bytes) {
        if (signal.aborted) throw interrupted(signal, 'fetching');
        count.read += chunk.length;
        countStreamed(chunk.length);
        if (count.read > maxBytes) throw corrupt(`${what} has more than ${maxBytes} bytes`);
        // Zeros without end, or headers that describe nothing.
        if (count.read > count.explained + chunk.length)
          throw corrupt(`${what} has bytes that are of no file`);
        yield chunk;
      }
    } catch (error) {
      failed = error;
      throw error;
    }
  }
  const piped = pipeline(bounded(), archive).catch(() => {});
  const explained = async function* <T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (cause) {
      throw failed ?? corrupt(`${what}: ${tarProblem(cause)}`, cause);
    }
  };
  try {
    for await (const entry of explained(archive)) {
      if (++count.entries > MAX_ENTRIES) throw corrupt(`${what} has more than ${MAX_ENTRIES} entries`);
      const { header } = entry;
      count.explained += Math.ceil((header.size ?? 0) / BLOCK) * BLOCK + 4 * BLOCK;
      const offset = (header as { byteOffset?: number }).byteOffset ?? 0;
      yield { header, offset, bytes: explained(entry as AsyncIterable<Uint8Array>) };
      entry.resume();
    }
  } finally {
    archive.destroy();
    await piped;
  }
}
