/** Files and directories. Errors are FILE_FAILED, READ_ONLY or NO_PRIVILEGE. */
import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeText } from '../../rule/text.ts';
import { errnoOf, fileError } from './file-error.ts';
import { notRegular } from './file-kind.ts';

/** Identifies the state of a file: changes when the file is replaced or written. Decimal numbers. */
export interface FileIdentity {
  readonly dev: string;
  readonly ino: string;
  readonly size: string;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
}

/** The SHA-256 digest of a file in lower-case hex, computed without loading the whole file. */
export async function sha256File(path: string): Promise<string> {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  for await (const part of readParts(path)) hash.update(part);
  return hash.digest('hex');
}

const PART_SIZE = 1 << 18;

/**
 * A file's bytes in parts of at most 256 kB. Each part is valid only until the next one is requested: all parts share one
 * buffer, because thirty files may be read in parallel, and Node frees the buffers of streams late.
 */
export async function* readParts(path: string): AsyncGenerator<Uint8Array> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
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

/** The sorted paths of a directory's entries. A missing directory counts as empty, unless it is `required`. */
export async function listFiles(
  directory: string,
  { required = false }: { readonly required?: boolean } = {},
): Promise<readonly string[]> {
  try {
    const names = (await readdir(directory, 'buffer')).map((name) => decodeText(name));
    return names.toSorted().map((name) => join(directory, name));
  } catch (error) {
    if (isAbsent(error) && !required) return [];
    throw fileError(error, `list ${directory}`);
  }
}

/** Removes a file if it exists. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path);
  } catch (error) {
    if (!isAbsent(error)) throw fileError(error, `remove ${path}`);
  }
}

/**
 * Creates a directory and its missing parents. `mode` sets their permissions regardless of the umask; the default is
 * 0755 minus the umask.
 */
export async function ensureDirectory(path: string, mode?: number): Promise<void> {
  try {
    await makeMissing(path, mode);
  } catch (error) {
    throw fileError(error, `create directory ${path}`);
  }
}

// Node's recursive mkdir loops forever if the kernel returns ENOENT in an existing directory, as in /proc, and reports ENOENT
// for EROFS and ENOSPC (node src/node_file.cc MKDirpAsync(), MKDirpSync()).
async function makeMissing(path: string, mode: number | undefined): Promise<void> {
  const parent = dirname(path);
  if (parent !== path && (await stat(parent).catch(() => null)) === null) await makeMissing(parent, mode);
  try {
    await mkdir(path, { mode: mode ?? 0o755 });
    if (mode !== undefined) await chmod(path, mode);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
  }
}

/** The current state of a file; follows symbolic links. */
export async function fileIdentity(path: string): Promise<FileIdentity> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return { dev: `${dev}`, ino: `${ino}`, size: `${size}`, mtimeNs: `${mtimeNs}`, ctimeNs: `${ctimeNs}` };
  } catch (error) {
    throw fileError(error, `stat ${path}`);
  }
}

const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
