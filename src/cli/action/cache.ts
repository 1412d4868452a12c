/** The runner's cache. Nothing depends on it: whatever is wrong with it is a warning. */
import { info, warning } from '@actions/core';

/** `off`: what is at the path is not to be relied on, nor kept. */
export type Restored = 'hit' | 'miss' | 'off';

const RESTORE_LIMIT_MS = 30_000;
const SAVE_LIMIT_MS = 60_000;

/** The library takes the names of files for a part of the key: one that every job has, and that is never written. */
const NAME = '/etc/passwd';

/** Writes the file that was kept under the key to `path`, which must not exist. */
export async function restore(path: string, key: string): Promise<Restored> {
  const { isFeatureAvailable, restoreFile } = await import('./cache-library.ts');
  if (!isFeatureAvailable()) {
    info('this runner has no cache');
    return 'off';
  }
  const found = await attempt('restore from', restoreFile(path, NAME, key), RESTORE_LIMIT_MS);
  if (found === FAILED) return 'off';
  return found === key ? 'hit' : 'miss';
}

/** Keeps the file under the key. */
export async function save(path: string, key: string): Promise<void> {
  const { saveFile } = await import('./cache-library.ts');
  await attempt('save to', saveFile(path, NAME, key), SAVE_LIMIT_MS);
}

const FAILED = Symbol('failed');

async function attempt<T>(what: string, task: Promise<T>, limitMs: number): Promise<T | typeof FAILED> {
  let timer: NodeJS.Timeout | undefined;
  const timeLimit = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no answer in ${limitMs / 1000} s`)), limitMs);
  });
  try {
    return await Promise.race([task, timeLimit]);
  } catch (error) {
    warning(`could not ${what} the runner's cache: ${error instanceof Error ? error.message : error}`);
    return FAILED;
  } finally {
    clearTimeout(timer);
  }
}
