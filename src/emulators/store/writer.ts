import { createHash } from 'node:crypto';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { notRegular } from '../../system/file/file-kind.ts';
import { sha256File } from '../../system/file/files.ts';
import { countStreamed } from '../../system/memory.ts';
import { storeError } from './error.ts';
import { makeFolder, type StoreOptions, withStoreLock } from './lock.ts';
import { emulatorsIn, type StoredEmulator } from './store.ts';

export interface StoreWriter {
  /** Takes the bytes of an emulator. It is in the store under the returned path when the whole writing has succeeded. */
  readonly put: (name: string, bytes: AsyncIterable<Uint8Array>) => Promise<StoredEmulator>;
}

interface Staged extends StoredEmulator {
  readonly temporary: string;
}

/** More than any emulator has: QEMU's have 10 to 20 MB, 60 with debug symbols. */
const MAX_EMULATOR_SIZE = 256 * 1024 * 1024;
const TEMPORARY = 'tmp-';

/**
 * Puts emulators into the store, all that `action` gives or, when it fails, none. What it returns is returned.
 *
 * @throws STORE_FAILED (disk full, a link in the store, an emulator of more than 256 MiB), READ_ONLY, NO_PRIVILEGE,
 * LOCKED, and what `action` throws.
 */
export async function writeStore<T>(
  store: string,
  action: (writer: StoreWriter) => Promise<T>,
  options: StoreOptions = {},
): Promise<T> {
  return withStoreLock(
    store,
    async () => {
      const directory = emulatorsIn(store);
      await removeLeftovers(directory);
      const staged: Staged[] = [];
      try {
        const put: StoreWriter['put'] = async (name, bytes) => {
          const emulator = await stage(directory, name, bytes);
          staged.push(emulator);
          const { temporary: _, ...stored } = emulator;
          return stored;
        };
        const result = await action({ put });
        await Promise.all(staged.map(commit));
        return result;
      } finally {
        await removeLeftovers(directory);
      }
    },
    options,
  );
}

/** Puts one emulator into the store. */
export function keep(
  store: string,
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  options: StoreOptions = {},
): Promise<StoredEmulator> {
  return writeStore(store, ({ put }) => put(name, bytes), options);
}

/** Removes what killed writers have left in the store. Throws what taking its lock does, where something is left. */
export async function sweepStore(store: string): Promise<void> {
  const directory = emulatorsIn(store);
  if ((await leftoversIn(directory)).length === 0) return;
  await withStoreLock(store, () => removeLeftovers(directory));
}

/** Whoever holds the lock is the only writer: every temporary file is of one that has ended, or its own. */
async function removeLeftovers(directory: string): Promise<void> {
  const paths = await leftoversIn(directory);
  await Promise.all(paths.map((path) => rm(path, { force: true }).catch(() => {})));
}

async function leftoversIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => name.startsWith(TEMPORARY)).map((name) => join(directory, name));
}

async function stage(directory: string, name: string, bytes: AsyncIterable<Uint8Array>): Promise<Staged> {
  if (!/^[\w][\w.+-]{0,127}$/.test(name)) {
    throw new BinfmtctlError('STORE_FAILED', `${JSON.stringify(name)} cannot be the name of an emulator`);
  }
  const temporary = join(directory, `${TEMPORARY}${process.pid}-${Math.random().toString(36).slice(2)}`);
  const hash = createHash('sha256');
  let size = 0;
  const file = await inStore(`write ${temporary}`, () => open(temporary, 'wx', 0o755));
  try {
    for await (const chunk of bytes) {
      size += chunk.length;
      countStreamed(chunk.length);
      if (size > MAX_EMULATOR_SIZE) throw tooLarge(name);
      hash.update(chunk);
      await inStore(`write ${temporary}`, () => file.writeFile(chunk));
    }
    await inStore(`write ${temporary}`, async () => {
      await file.chmod(0o755);
      await file.sync();
    });
  } finally {
    await file.close();
  }
  const sha256 = hash.digest('hex');
  return { path: join(directory, sha256, name), sha256, name, size, temporary };
}

/** An intact one that is there already stays: an entry or a running program may have it open. */
async function commit({ path, sha256, temporary }: Staged): Promise<void> {
  await makeFolder(dirname(path));
  if ((await sha256File(path).catch(() => null)) === sha256) return;
  await inStore(`write ${path}`, async () => {
    const existing = await lstat(path).catch(() => null);
    if (existing !== null && !existing.isFile()) throw notRegular(`write ${path}`, existing);
    await rename(temporary, path);
    await using folder = await open(dirname(path), 'r');
    await folder.sync().catch(() => {});
  });
}

async function inStore<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw storeError(error, what);
  }
}

function tooLarge(name: string): BinfmtctlError {
  return new BinfmtctlError('STORE_FAILED', `${name} has more than ${MAX_EMULATOR_SIZE} bytes`, {
    hint: 'that is no emulator: check where it comes from',
  });
}
