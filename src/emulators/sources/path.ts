import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { fileError } from '../../system/file-error.ts';
import { keep } from '../store-writer.ts';
import type { Candidate } from '../types.ts';
import type { Source } from './types.ts';

/**
 * `path:FILE`: that file is the emulator. A copy goes into the store, so that nobody can change it afterwards.
 *
 * @throws BAD_SOURCE for more than one arch; EMULATOR_NOT_FOUND, EMULATOR_UNFIT.
 */
export const fetchPath: Source = async (path, wants, { store }) => {
  const [want, another] = wants;
  const profile = want?.profiles[0];
  if (want === undefined || profile === undefined) return [];
  if (another !== undefined) {
    throw new BinfmtctlError(
      'BAD_SOURCE',
      `${path} is one file but ${wants.length} architectures are asked for`,
      {
        hint: 'name one architecture, or a folder with dir:DIR',
      },
    );
  }
  return [await keepFile(path, want.guest, profile.id, 'path', store)];
};

/** Copies a file into the store. */
export async function keepFile(
  path: string,
  guest: string,
  emulator: string,
  origin: 'path' | 'dir',
  store: string,
): Promise<Candidate> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new BinfmtctlError('EMULATOR_NOT_FOUND', fileError(cause, `find the emulator ${path}`).message, {
      hint: 'check the path that --source names',
      cause,
    });
  });
  if (!facts.isFile()) {
    throw new BinfmtctlError('EMULATOR_UNFIT', `${path} cannot be the emulator: it is no regular file`, {
      hint: facts.isDirectory() ? `\`--source dir:${path}\` takes a folder` : 'name a file',
    });
  }
  const stored = await keep(store, basename(path), createReadStream(path));
  return { path: stored.path, emulator, guest, origin };
}
