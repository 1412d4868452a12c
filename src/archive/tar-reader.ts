import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { interrupted } from '../errors.ts';
import { corrupt } from '../system/file/integrity.ts';
import { countStreamed } from '../system/memory.ts';
import { tarProblem } from './tar-entry.ts';

/** Limit for one archive. A minimal Debian system has 10,000 entries. */
const MAX_ENTRIES = 1_000_000;
/** Bytes that belong to no entry: headers of long names, and padding at the end. */
const MAX_SLACK = 4 * 1024 * 1024;
const BLOCK = 512;

export interface TarEntry {
  readonly header: Header;
  /** Offset of its data in the archive. */
  readonly offset: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface TarOptions {
  /** For messages: `layer sha256:…`. */
  readonly what: string;
  /** Maximum size of the archive. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Yields the entries of a tar archive, in order. Skips data of an entry that the caller does not read. Stops reading the
 * archive when the caller stops iterating.
 *
 * @throws BAD_PACKAGE for a truncated, invalid or too large archive; INTERRUPTED; errors of `bytes`.
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
        if (count.read > maxBytes) throw corrupt(`${what} is larger than ${maxBytes} bytes`);
        // For example, endless zeros or headers without a file.
        if (count.read > count.explained + chunk.length)
          throw corrupt(`${what} contains data that belongs to no file`);
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
