import { basename, resolve } from 'node:path';
import { writeStore } from '../emulators/store/writer.ts';
import { BinfmtctlError } from '../errors.ts';
import { chooseTarget } from './choose.ts';
import { copyToStore } from './copy.ts';
import type { SourceFetcher } from './types.ts';

/**
 * Fetches from `path:FILE`: copies the file, which is the emulator itself, into the store.
 *
 * @throws BAD_SOURCE if there is no such file, or if there are several targets and the file's name matches none; errors of `copyToStore`.
 */
export const fetchPath: SourceFetcher = async (file, targets, { store, signal }) => {
  const path = resolve(file);
  const chosen = chooseTarget(basename(path), file, targets, 'use a directory with dir:DIR');
  if (chosen === null) return [];
  const { guest, profile } = chosen;
  const copy = writeStore(store, (writer) => copyToStore({ path, guest, profile, origin: 'path' }, writer), {
    signal,
  });
  return [await copy.catch(asBadSource)];
};

/** A file that does not exist makes the name of the source wrong, as with every other source. */
function asBadSource(error: unknown): never {
  if (!(error instanceof BinfmtctlError) || error.code !== 'EMULATOR_NOT_FOUND') throw error;
  const { message, hint, cause } = error;
  throw new BinfmtctlError('BAD_SOURCE', message, { hint, cause });
}
