import { chmod, lstat, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { errnoOf } from '../../system/file/file-error.ts';
import { withLock } from '../../system/lock.ts';
import { storeError } from './error.ts';
import { assertStoreTrusted } from './trust.ts';

export interface StoreOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once, where another process is writing to the store. */
  readonly onWait?: (() => void) | undefined;
}

const TIMEOUT_MS = 120_000;

/** Runs `action` while no other process writes to the store, which is made where it is missing. LOCKED after two minutes. */
export async function withStoreLock<T>(
  store: string,
  action: () => Promise<T>,
  options: StoreOptions = {},
): Promise<T> {
  assertStoreTrusted(store);
  const directory = join(store, 'sha256');
  await makeFolder(directory);
  return withLock(join(directory, 'lock'), action, { ...options, timeoutMs: TIMEOUT_MS });
}

/** Makes a folder that everybody may enter, whatever the umask; STORE_FAILED where a link or a file stands in its place. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeMissing(path);
    if ((await lstat(path)).isDirectory()) return;
  } catch (error) {
    throw storeError(error, `make directory ${path}`);
  }
  throw new BinfmtctlError('STORE_FAILED', `${path} is a link or a file, not a folder`, {
    hint: 'choose another store with --store',
  });
}

// Node's recursive mkdir says ENOENT where the kernel said EROFS or ENOSPC (node src/node_file.cc MKDirpSync()).
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
