/** The files of a folder, or of a tar archive, by their names in it. */
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
  /** The bytes of a file. SOURCE_FAILED where there is none. */
  readonly read: (name: string) => AsyncIterable<Uint8Array>;
}

/** More than any archive of images with programs has, in bytes. */
const MAX_ARCHIVE = 16 * 1024 ** 3;
const MAX_LINKS = 8;
const CHUNK = 1 << 18;

/** All of a file that has at most `most` bytes. BAD_PACKAGE for a larger one. */
export async function readMember({ read }: Members, name: string, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of read(name)) {
    size += chunk.length;
    if (size > most) throw corrupt(`${name} has more than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Names come from the folder's own documents, and are of digests only. */
export function membersOfFolder(folder: string): Members {
  return {
    has: (name) =>
      stat(join(folder, name)).then(
        () => true,
        () => false,
      ),
    read: (name) => readFile(join(folder, name), {}),
  };
}

/**
 * Looks through an archive once, so that its files can be read then. One that is compressed is unpacked below `work` first.
 *
 * @throws BAD_PACKAGE for what is no archive, or has hostile names and links; INTERRUPTED.
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
      if (size() > MAX_ARCHIVE) throw corrupt(`${path} has more than ${MAX_ARCHIVE} bytes`);
      await write(chunk);
    }
  });
  return file;
}

async function* readFile(path: string, range: { start?: number; end?: number }): AsyncGenerator<Uint8Array> {
  try {
    // A pipe or a device is not even opened; what is put in the file's place then does not block.
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
  if (!facts.isFile()) throw corrupt(`${path} is ${kindOf(facts)}`);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

const missing = (name: string, where: string): BinfmtctlError =>
  new BinfmtctlError('SOURCE_FAILED', `${where} has no ${name}`, {
    hint: 'was all of it copied here? Make it again, with `skopeo copy` or `docker save`',
  });
