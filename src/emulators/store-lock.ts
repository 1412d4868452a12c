import { chmod, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { withLock } from '../system/lock.ts';
import { storeError } from './store-error.ts';

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
  const directory = join(store, 'sha256');
  await makeFolder(directory);
  return withLock(join(directory, 'lock'), action, { ...options, timeoutMs: TIMEOUT_MS });
}

/** Makes a folder that everybody may enter, whatever the umask; STORE_FAILED where a link or a file stands in its place. */
export async function makeFolder(path: string): Promise<void> {
  try {
    if ((await mkdir(path, { recursive: true })) !== undefined) await chmod(path, 0o755);
    if ((await lstat(path)).isDirectory()) return;
  } catch (error) {
    throw storeError(error, `make directory ${path}`);
  }
  throw new BinfmtctlError('STORE_FAILED', `${path} is a link, not a folder`, {
    hint: 'links are not followed within a store: remove it',
  });
}
