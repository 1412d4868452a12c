/** The runner's cache library, in a bundle that is loaded on demand. */
import { isFeatureAvailable, restoreCache, saveCache } from '@actions/cache';
import { exchange } from './cache-archive.ts';

export { isFeatureAvailable };

/** Writes what was kept under `key` for `name` to the new file `path`; returns the key that was found. */
export function restoreFile(path: string, name: string, key: string): Promise<string | undefined> {
  exchange(path);
  return restoreCache([name], key);
}

/** Keeps the file `path` under `key`, by a `name` that exists and is the same in every job. */
export async function saveFile(path: string, name: string, key: string): Promise<void> {
  exchange(path);
  await saveCache([name], key);
}
