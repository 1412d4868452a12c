/**
 * Stores emulators by their sha256: `STORE/sha256/HEX/qemu-aarch64`. A stored file never changes, so an entry that names it always
 * means the same program.
 */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { storeError } from './error.ts';
import { withStoreLock } from './lock.ts';
import { assertStoreTrusted } from './trust.ts';

export interface StoredEmulator {
  readonly path: string;
  /** Lower case hex. */
  readonly sha256: string;
  /** The program's usual name, which other tools recognize: `qemu-aarch64`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** The directory of the emulators in a store. */
export const emulatorsIn = (store: string): string => join(store, 'sha256');

/**
 * Lists all emulators of the store, by name, without reading them. Ignores links and other files.
 *
 * @throws STORE_FAILED if another user can change the store.
 */
export async function listStored(store: string): Promise<readonly StoredEmulator[]> {
  assertStoreTrusted(store);
  const directory = emulatorsIn(store);
  const hashes = (await namesIn(directory)).filter(isSha256);
  const found = await Promise.all(hashes.map((sha256) => emulatorsOf(directory, sha256)));
  return found.flat().toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The sha256 in the path of a stored emulator; null for a file outside a store. */
export const promisedSha256 = (path: string): string | null =>
  /\/sha256\/([0-9a-f]{64})\/[^/]+$/.exec(path)?.[1] ?? null;

/** Removes an emulator if it is in the store. Entries with F keep working. @throws STORE_FAILED, READ_ONLY, NO_PRIVILEGE. */
export async function removeFromStore(store: string, sha256: string): Promise<void> {
  if (!isSha256(sha256)) return;
  await removing(join(emulatorsIn(store), sha256));
}

/** Removes all emulators except those with a sha256 in `keep`. Returns the removed ones. */
export async function pruneStore(
  store: string,
  keep: Pick<ReadonlySet<string>, 'has'>,
): Promise<readonly StoredEmulator[]> {
  if ((await listStored(store)).every(({ sha256 }) => keep.has(sha256))) return [];
  return withStoreLock(store, async () => {
    const unused = (await listStored(store)).filter(({ sha256 }) => !keep.has(sha256));
    await Promise.all(unused.map(({ sha256 }) => removeFromStore(store, sha256)));
    return unused;
  });
}

async function emulatorsOf(directory: string, sha256: string): Promise<readonly StoredEmulator[]> {
  const parent = join(directory, sha256);
  const isDirectory = await lstat(parent).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isDirectory) return [];
  const names = await namesIn(parent);
  const found = await Promise.all(
    names.map(async (name): Promise<StoredEmulator | null> => {
      const path = join(parent, name);
      const stats = await lstat(path).catch(() => null);
      return stats?.isFile() ? { path, sha256, name, size: stats.size } : null;
    }),
  );
  return found.filter((each) => each !== null);
}

async function removing(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    throw storeError(error, `remove ${path}`);
  }
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

const isSha256 = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);
