import { createHash } from 'node:crypto';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { notRegular } from '../../system/file/file-kind.ts';
import { sha256File } from '../../system/file/files.ts';
import { countStreamed } from '../../system/memory.ts';
import { storeError } from './error.ts';
import { makeDirectory, type StoreOptions, withStoreLock } from './lock.ts';
import { emulatorsIn, type StoredEmulator } from './store.ts';

export interface StoreWriter {
  /** Stages an emulator. The returned path exists once the whole `writeStore` has succeeded. */
  readonly put: (name: string, bytes: AsyncIterable<Uint8Array>) => Promise<StoredEmulator>;
}

interface Staged extends StoredEmulator {
  readonly temporary: string;
}

/** Larger than any emulator: QEMU's have 10 to 20 MB, or 60 MB with debug symbols. */
const MAX_EMULATOR_SIZE = 256 * 1024 * 1024;
const TEMPORARY = 'tmp-';

/**
 * Adds the emulators that `action` puts to the store: all, or none if `action` fails. Returns the result of `action`.
 *
 * @throws STORE_FAILED (disk full, a link in the store, an emulator larger than 256 MiB), READ_ONLY, NO_PRIVILEGE, LOCKED;
 * errors of `action`.
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

/** Adds one emulator to the store. */
export function keep(
  store: string,
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  options: StoreOptions = {},
): Promise<StoredEmulator> {
  return writeStore(store, ({ put }) => put(name, bytes), options);
}

/** Removes temporary files of killed writers from the store. Locks the store only if there are any. */
export async function sweepStore(store: string): Promise<void> {
  const directory = emulatorsIn(store);
  if ((await leftoversIn(directory)).length === 0) return;
  await withStoreLock(store, () => removeLeftovers(directory));
}

/** Call this with the store locked: every temporary file then belongs to this writer or to one that has ended. */
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
    throw new BinfmtctlError('STORE_FAILED', `invalid name of an emulator: ${JSON.stringify(name)}`);
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

/** Keeps an intact file that is already stored, because an entry or a running program may use it. */
async function commit({ path, sha256, temporary }: Staged): Promise<void> {
  await makeDirectory(dirname(path));
  if ((await sha256File(path).catch(() => null)) === sha256) return;
  await inStore(`write ${path}`, async () => {
    const existing = await lstat(path).catch(() => null);
    if (existing !== null && !existing.isFile()) throw notRegular(`write ${path}`, existing);
    await rename(temporary, path);
    await using directory = await open(dirname(path), 'r');
    await directory.sync().catch(() => {});
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
  return new BinfmtctlError('STORE_FAILED', `${name} is larger than ${MAX_EMULATOR_SIZE} bytes`, {
    hint: 'check the source: no emulator is that large',
  });
}
