import { chmod, lstat, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { errnoOf } from '../../system/file/file-error.ts';
import { withLock } from '../../system/lock.ts';
import { storeError } from './error.ts';
import { assertStoreTrusted } from './trust.ts';

export interface StoreOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if another process is writing to the store. */
  readonly onWait?: (() => void) | undefined;
}

const TIMEOUT_MS = 120_000;

/** Runs `action` while no other process writes to the store. Creates a missing store. @throws LOCKED after two minutes. */
export async function withStoreLock<T>(
  store: string,
  action: () => Promise<T>,
  options: StoreOptions = {},
): Promise<T> {
  assertStoreTrusted(store);
  const directory = join(store, 'sha256');
  await makeDirectory(directory);
  return withLock(join(directory, 'lock'), action, { ...options, timeoutMs: TIMEOUT_MS });
}

/** Creates a directory with mode 755, regardless of the umask. @throws STORE_FAILED if the path is a link or a file. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await makeMissing(path);
    if ((await lstat(path)).isDirectory()) return;
  } catch (error) {
    throw storeError(error, `create directory ${path}`);
  }
  throw new BinfmtctlError('STORE_FAILED', `not a directory: ${path} is a link or a file in the store`, {
    hint: 'choose another store with --store DIR',
  });
}

// Node's recursive mkdir reports ENOENT for EROFS and ENOSPC (node src/node_file.cc MKDirpSync()).
async function makeMissing(path: string): Promise<void> {
  const parent = dirname(path);
  if (parent !== path && (await stat(parent).catch(() => null)) === null) await makeMissing(parent);
  try {
    await mkdir(path);
    await chmod(path, 0o755);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}
