/** The runner's cache. It is optional: its failures are warnings. */
import { info, warning } from '@actions/core';

/** `off`: neither use nor save the file at the path. */
export type Restored = 'hit' | 'miss' | 'off';

const RESTORE_LIMIT_MS = 30_000;
const SAVE_LIMIT_MS = 60_000;

/** The library makes the file name part of the key, so this name is the same in every job. It is never written. */
const NAME = '/etc/passwd';

/** Restores the file of the key to `path`, which must not exist. */
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

/** Saves the file under the key. */
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
