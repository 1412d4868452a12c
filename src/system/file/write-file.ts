/** Writes files. Never follows a symbolic link or replaces a device. */
import type { Stats } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { TEMPORARY_FILE, temporaryFileName } from '../temporary.ts';
import { errnoOf, fileError } from './file-error.ts';
import { notRegular } from './file-kind.ts';
import { listFiles, removeFile } from './files.ts';

/** The bytes of a file, whole or in parts. */
export type FileData = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface WriteOptions {
  /** Permissions of a new file, regardless of the umask. Default: 0644. */
  readonly mode?: number | undefined;
}

/**
 * Creates or replaces a regular file atomically: readers see the old or the new content, also after a power failure.
 * An existing file keeps its owner and permissions. The directory must exist. A failure leaves nothing behind.
 *
 * @throws FILE_FAILED for a link, device, pipe or directory at `path`; NO_PRIVILEGE, READ_ONLY; a BinfmtctlError of `data`.
 */
export async function writeAtomic(
  path: string,
  data: FileData,
  { mode = 0o644 }: WriteOptions = {},
): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, temporaryFileName());
  try {
    const before = await statReplaceable(path);
    await writeNew(temporary, data, before?.mode ?? mode, before);
    await rename(temporary, path);
    await syncDirectory(directory);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw fileError(error, `write ${path}`);
  }
}

/** Writes a new file and renames it to `path`, which need not be UTF-8. Throws Node's errors. */
export async function replaceFile(
  path: string | Buffer,
  data: FileData,
  mode: number,
  temporary: string,
): Promise<void> {
  await writeNew(temporary, data, mode, null);
  await rename(temporary, path);
}

/** Removes temporary files of a killed `writeAtomic` from a directory. No other process may write there meanwhile. */
export async function removeTemporaries(directory: string): Promise<void> {
  const left = (await listFiles(directory)).filter((path) => TEMPORARY_FILE.test(basename(path)));
  await Promise.all(left.map(removeFile));
}

async function statReplaceable(path: string): Promise<Stats | null> {
  const facts = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (facts !== null && !facts.isFile()) throw notRegular(`write ${path}`, facts);
  return facts;
}

async function writeNew(path: string, data: FileData, mode: number, owner: Stats | null): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  await writeFile(file, data);
  if (owner !== null) await giveTo(file, owner);
  await file.chmod(mode & 0o7777);
  await file.sync();
}

async function giveTo(file: FileHandle, { uid, gid }: Stats): Promise<void> {
  const own = await file.stat();
  if (own.uid === uid && own.gid === gid) return;
  await file.chown(uid, gid).catch((cause: unknown) => {
    if (own.uid === uid) return;
    throw new BinfmtctlError('NO_PRIVILEGE', `the file belongs to user ${uid}`, {
      hint: 'run the command as root or as the owner of the file',
      cause,
    });
  });
}

// Without this sync, a power failure may undo the rename. Some network file systems do not support it (EINVAL).
async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync().catch((error: unknown) => {
    if (errnoOf(error) !== 'EINVAL') throw error;
  });
}
