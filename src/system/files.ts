/** The door to files. Failures are FILE_FAILED, READ_ONLY or NO_PRIVILEGE, with a hint. */
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, fileError } from './file-error.ts';

/** All bytes of a file, or one part after the other. */
export type FileData = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface WriteOptions {
  /** Permissions, whatever the umask. Default 0644. */
  readonly mode?: number | undefined;
}

/** What tells one state of a file from another: it changes when the file is replaced or written. Decimal numbers. */
export interface FileIdentity {
  readonly dev: string;
  readonly ino: string;
  readonly size: string;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
}

/** Names of the files that `writeAtomic` renames. */
const TEMPORARY = /^\.binfmtctl-[0-9a-z]+\.tmp$/;

/**
 * Replaces a file, or makes it: readers see the old content or the new one and never a part, also after a loss of
 * power. A symbolic link is replaced itself. The directory must exist; on a failure nothing is left behind. What `data`
 * throws of ours is thrown on.
 */
export async function writeAtomic(
  path: string,
  data: FileData,
  { mode = 0o644 }: WriteOptions = {},
): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.binfmtctl-${Math.random().toString(36).slice(2)}.tmp`);
  try {
    await replaceFile(path, data, mode, temporary);
    await syncDirectory(directory);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw fileError(error, `write ${path}`);
  }
}

/** Writes a new file and renames it to `path`, which may be bytes that are no text. Errors are Node's own. */
export async function replaceFile(
  path: string | Buffer,
  data: FileData,
  mode: number,
  temporary: string,
): Promise<void> {
  await writeNew(temporary, data, mode);
  await rename(temporary, path);
}

/** Removes what `writeAtomic` has left in a directory where it was killed. For a directory that nobody writes to now. */
export async function removeTemporaries(directory: string): Promise<void> {
  const left = (await listFiles(directory)).filter((path) => TEMPORARY.test(basename(path)));
  await Promise.all(left.map(removeFile));
}

/** The bytes of a file; null where there is none. */
export async function readIfExists(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw fileError(error, `read ${path}`);
  }
}

/** The text of a UTF-8 file; null where there is none. */
export async function readTextIfExists(path: string): Promise<string | null> {
  const bytes = await readIfExists(path);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/** sha256 of a file's bytes, in lower case hex; the file is never in memory as a whole. */
export async function sha256File(path: string): Promise<string> {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  for await (const part of readParts(path)) hash.update(part);
  return hash.digest('hex');
}

const PART_SIZE = 1 << 18;

/**
 * A file's bytes in parts of at most 256 kB, each good only until the next is asked for: one buffer serves for all, as
 * thirty files may be read at once, and what streams leave behind is freed late.
 */
export async function* readParts(path: string): AsyncGenerator<Uint8Array> {
  try {
    await using file = await open(path);
    const buffer = Buffer.allocUnsafeSlow(PART_SIZE);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, PART_SIZE, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw fileError(error, `read ${path}`);
  }
}

/** Paths of what is in a directory, sorted; none where there is no such directory, unless it is `required`. */
export async function listFiles(
  directory: string,
  { required = false }: { readonly required?: boolean } = {},
): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).toSorted().map((name) => join(directory, name));
  } catch (error) {
    if (isAbsent(error) && !required) return [];
    throw fileError(error, `list ${directory}`);
  }
}

/** Removes a file, where there is one. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path);
  } catch (error) {
    if (!isAbsent(error)) throw fileError(error, `remove ${path}`);
  }
}

/** Makes a directory and those above it that are missing, with the permissions `mode` less the umask. */
export async function ensureDirectory(path: string, mode = 0o755): Promise<void> {
  try {
    await makeMissing(path, mode);
  } catch (error) {
    throw fileError(error, `make directory ${path}`);
  }
}

// Node's recursive mkdir never ends where the kernel says ENOENT in a folder that exists, as in /proc, and says ENOENT
// where the kernel said EROFS or ENOSPC (node src/node_file.cc MKDirpAsync(), MKDirpSync()).
async function makeMissing(path: string, mode: number): Promise<void> {
  const parent = dirname(path);
  if (parent !== path && (await stat(parent).catch(() => null)) === null) await makeMissing(parent, mode);
  await mkdir(path, { mode }).catch(async (error) => {
    if (errnoOf(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
  });
}

/** The state of a file now; a symbolic link is followed. */
export async function fileIdentity(path: string): Promise<FileIdentity> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return { dev: `${dev}`, ino: `${ino}`, size: `${size}`, mtimeNs: `${mtimeNs}`, ctimeNs: `${ctimeNs}` };
  } catch (error) {
    throw fileError(error, `look at ${path}`);
  }
}

async function writeNew(path: string, data: FileData, mode: number): Promise<void> {
  await using file = await open(path, 'wx', mode);
  await writeFile(file, data);
  await file.chmod(mode);
  await file.sync();
}

// Without it the rename itself may be lost with the power. Some network file systems cannot do it (EINVAL).
async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync().catch((error: unknown) => {
    if (errnoOf(error) !== 'EINVAL') throw error;
  });
}

const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
