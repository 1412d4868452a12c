import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FOLDERS, fileNames } from '../emulators/names.ts';
import { type StoreWriter, writeStore } from '../emulators/store/writer.ts';
import type { Candidate } from '../emulators/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { copyToStore } from './copy.ts';
import type { EmulatorTarget, SourceFetcher } from './types.ts';

/**
 * `dir:DIR`: emulators by their usual names in a folder or a root; each is copied into the store. What it has not is left
 * out.
 *
 * @throws BAD_SOURCE where DIR is no folder; what `copyToStore` throws.
 */
export const fetchDir: SourceFetcher = async (directory, targets, { store, signal }) => {
  const root = resolve(directory);
  const isFolder = await stat(root).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    throw new BinfmtctlError('BAD_SOURCE', `${root} is no folder`, {
      hint: 'dir:DIR names a folder; path:FILE names a file',
    });
  }
  const copyAll = async (writer: StoreWriter): Promise<readonly Candidate[]> =>
    (await Promise.all(targets.map((target) => fetchOne(root, target, writer)))).flat();
  return writeStore(store, copyAll, { signal });
};

async function fetchOne(
  root: string,
  { guest, profiles }: EmulatorTarget,
  writer: StoreWriter,
): Promise<readonly Candidate[]> {
  const candidates = profiles.flatMap((profile) =>
    FOLDERS.flatMap((folder) =>
      fileNames(profile, guest).map((name) => ({ profile, path: join(root, folder, name) })),
    ),
  );
  const exists = await Promise.all(
    candidates.map(({ path }) =>
      stat(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  const first = candidates.find((_, index) => exists[index]);
  return first === undefined ? [] : [await copyToStore({ ...first, guest, origin: 'dir' }, writer)];
}
