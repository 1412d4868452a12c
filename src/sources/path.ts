import { basename, resolve } from 'node:path';
import { writeStore } from '../emulators/store/writer.ts';
import { chooseTarget } from './choose.ts';
import { copyToStore } from './copy.ts';
import type { SourceFetcher } from './types.ts';

/**
 * Fetches from `path:FILE`: copies the file, which is the emulator itself, into the store.
 *
 * @throws BAD_SOURCE if there are several targets and the file's name matches none; errors of `copyToStore`.
 */
export const fetchPath: SourceFetcher = async (file, targets, { store, signal }) => {
  const path = resolve(file);
  const chosen = chooseTarget(basename(path), file, targets, 'use a directory with dir:DIR');
  if (chosen === null) return [];
  const { guest, profile } = chosen;
  const copy = writeStore(store, (writer) => copyToStore({ path, guest, profile, origin: 'path' }, writer), {
    signal,
  });
  return [await copy];
};
