import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FOLDERS, fileNames } from '../emulators/names.ts';
import { type StoreWriter, writeStore } from '../emulators/store/writer.ts';
import type { Candidate } from '../emulators/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { copyToStore } from './copy.ts';
import type { EmulatorTarget, SourceFetcher } from './types.ts';

/**
 * Fetches from `dir:DIR`: copies emulators with their usual names from a directory or a root into the store. The result
 * lacks emulators that do not exist.
 *
 * @throws BAD_SOURCE if DIR is not a directory; errors of `copyToStore`.
 */
export const fetchDir: SourceFetcher = async (directory, targets, { store, signal }) => {
  const root = resolve(directory);
  const isDirectory = await stat(root).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (!isDirectory) {
    throw new BinfmtctlError('BAD_SOURCE', `not a directory: ${root}`, {
      hint: 'use dir:DIR for a directory, path:FILE for a file',
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
    FOLDERS.flatMap((subdirectory) =>
      fileNames(profile, guest).map((name) => ({ profile, path: join(root, subdirectory, name) })),
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
