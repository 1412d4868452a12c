/** Files and directories. Failures are FILE_FAILED, READ_ONLY or NO_PRIVILEGE, with a hint. */
import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeText } from '../../rule/text.ts';
import { errnoOf, fileError } from './file-error.ts';
import { notRegular } from './file-kind.ts';
import { pathBytes } from './path-bytes.ts';

/** What tells one state of a file from another: it changes when the file is replaced or written. Decimal numbers. */
export interface FileIdentity {
  readonly dev: string;
  readonly ino: string;
  readonly size: string;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
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
    await using file = await open(pathBytes(path), constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile()) throw notRegular(`read ${path}`, facts);
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
    const names = (await readdir(pathBytes(directory), 'buffer')).map((name) => decodeText(name));
    return names.toSorted().map((name) => join(directory, name));
  } catch (error) {
    if (isAbsent(error) && !required) return [];
    throw fileError(error, `list ${directory}`);
  }
}

/** Removes a file, where there is one. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(pathBytes(path));
  } catch (error) {
    if (!isAbsent(error)) throw fileError(error, `remove ${path}`);
  }
}

/**
 * Creates a directory and the missing ones above it. With `mode` they get these permissions whatever the umask, else
 * 0755 less the umask.
 */
export async function ensureDirectory(path: string, mode?: number): Promise<void> {
  try {
    await makeMissing(path, mode);
  } catch (error) {
    throw fileError(error, `make directory ${path}`);
  }
}

// Node's recursive mkdir never ends where the kernel says ENOENT in a folder that exists, as in /proc, and says ENOENT
// where the kernel said EROFS or ENOSPC (node src/node_file.cc MKDirpAsync(), MKDirpSync()).
async function makeMissing(path: string, mode: number | undefined): Promise<void> {
  const parent = dirname(path);
  if (parent !== path && (await stat(pathBytes(parent)).catch(() => null)) === null)
    await makeMissing(parent, mode);
  try {
    await mkdir(pathBytes(path), { mode: mode ?? 0o755 });
    if (mode !== undefined) await chmod(pathBytes(path), mode);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !(await stat(pathBytes(path))).isDirectory()) throw error;
  }
}

/** The state of a file now; a symbolic link is followed. */
export async function fileIdentity(path: string): Promise<FileIdentity> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(pathBytes(path), { bigint: true });
    return { dev: `${dev}`, ino: `${ino}`, size: `${size}`, mtimeNs: `${mtimeNs}`, ctimeNs: `${ctimeNs}` };
  } catch (error) {
    throw fileError(error, `look at ${path}`);
  }
}

const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
