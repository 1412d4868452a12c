/** Reads files of a directory or a tar archive by relative name. */
import { constants, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { checkEntry, linkTarget } from '../archive/tar-entry.ts';
import { readTar } from '../archive/tar-reader.ts';
import { compressionOf, unpack } from '../archive/unpack.ts';
import { BinfmtctlError, interrupted } from '../errors.ts';
import { fileError } from '../system/file/file-error.ts';
import { kindOf } from '../system/file/file-kind.ts';
import { corrupt, writeHashed } from '../system/file/integrity.ts';

export interface Members {
  readonly has: (name: string) => Promise<boolean>;
  /** Streams a file. Throws SOURCE_FAILED if it does not exist. */
  readonly read: (name: string) => AsyncIterable<Uint8Array>;
}

/** In bytes; larger than real image archives. */
const MAX_ARCHIVE = 16 * 1024 ** 3;
const MAX_LINKS = 8;
const CHUNK = 1 << 18;

/** Reads a whole file. Throws BAD_PACKAGE if it is larger than `limit` bytes. */
export async function readMember({ read }: Members, name: string, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of read(name)) {
    size += chunk.length;
    if (size > limit) throw corrupt(`${name} is too large: more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Names are fixed or derived from digests, so they cannot lead out of the directory. */
export function membersOfDirectory(directory: string): Members {
  return {
    has: (name) =>
      stat(join(directory, name)).then(
        () => true,
        () => false,
      ),
    read: (name) => readFile(join(directory, name), {}),
  };
}

/**
 * Indexes the members of an archive. Decompresses it below `workDirectory` first, if necessary.
 *
 * @throws BAD_PACKAGE if it is not an archive, or has unsafe names or links; INTERRUPTED.
 */
export async function membersOfArchive(
  path: string,
  workDirectory: string,
  signal: AbortSignal,
): Promise<Members> {
  const plain = await unpacked(path, workDirectory, signal);
  const places = new Map<string, { readonly start: number; readonly size: number }>();
  const links = new Map<string, string>();
  for await (const { header, offset } of readTar(readFile(plain, {}), {
    what: path,
    maxBytes: MAX_ARCHIVE,
    signal,
  })) {
    const name = checkEntry(header);
    if (header.type === 'directory') continue;
    const target = header.type === 'symlink' || header.type === 'link' ? linkTarget(header, name) : null;
    if (target === null) places.set(name, { start: offset, size: header.size ?? 0 });
    else links.set(name, target);
  }
  const placeOf = (name: string) => {
    let full = posix.resolve('/', name);
    for (let count = 0; count < MAX_LINKS && !places.has(full); count++) full = links.get(full) ?? full;
    return places.get(full);
  };
  return {
    has: async (name) => placeOf(name) !== undefined,
    read: (name) => {
      const place = placeOf(name);
      if (place === undefined) throw missing(name, path);
      return place.size === 0
        ? nothing()
        : readFile(plain, { start: place.start, end: place.start + place.size - 1 });
    },
  };
}

async function unpacked(path: string, workDirectory: string, signal: AbortSignal): Promise<string> {
  const compression = await compressionOf(path).catch((error) => {
    throw fileError(error, `read ${path}`);
  });
  if (compression === 'none') return path;
  const file = join(workDirectory, 'archive.tar');
  await writeHashed(file, async ({ size, write }) => {
    for await (const chunk of unpack(readFile(path, {}), compression)) {
      if (signal.aborted) throw interrupted(signal, 'fetching');
      if (size() > MAX_ARCHIVE)
        throw corrupt(`${path} is too large: more than ${MAX_ARCHIVE} bytes unpacked`);
      await write(chunk);
    }
  });
  return file;
}

async function* readFile(path: string, range: { start?: number; end?: number }): AsyncGenerator<Uint8Array> {
  try {
    // Opening a pipe or a device has side effects. O_NONBLOCK covers a file replaced after the check.
    requireFile(path, await stat(path));
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    yield* file.createReadStream({ ...range, highWaterMark: CHUNK });
  } catch (error) {
    const { code } = error as { code?: string };
    throw code === 'ENOENT'
      ? missing(posix.basename(path), posix.dirname(path))
      : fileError(error, `read ${path}`);
  }
}

function requireFile(path: string, facts: Stats): void {
  if (!facts.isFile()) throw corrupt(`${path} is ${kindOf(facts)}, not a regular file`);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

const missing = (name: string, where: string): BinfmtctlError =>
  new BinfmtctlError('SOURCE_FAILED', `${name} not found in ${where}`, {
    hint: 'copy the whole image, or create it again with `skopeo copy` or `docker save`',
  });
