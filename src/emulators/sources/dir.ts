import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { fileNames } from '../names.ts';
import { keepFile } from './path.ts';
import type { Source } from './types.ts';

/** Folders within DIR that are looked into: it may hold the files themselves, or be a root. */
const WITHIN = ['', 'bin', 'usr/bin', 'usr/local/bin'];

/** `dir:DIR`: emulators by their usual names in a folder or a root; each is copied into the store. */
export const fetchDir: Source = async (directory, wants, { store }) => {
  const facts = await stat(directory).catch(() => null);
  if (!facts?.isDirectory()) {
    throw new BinfmtctlError('EMULATOR_NOT_FOUND', `${directory} is no folder`, {
      hint: 'check the folder that --source names',
    });
  }
  const found = await Promise.all(
    wants.map(async ({ guest, profiles }) => {
      const named = profiles.flatMap((profile) =>
        WITHIN.flatMap((folder) =>
          fileNames(profile, guest).map((name) => ({ id: profile.id, path: join(directory, folder, name) })),
        ),
      );
      const exists = await Promise.all(
        named.map(({ path }) =>
          stat(path).then(
            () => true,
            () => false,
          ),
        ),
      );
      const first = named.find((_, index) => exists[index]);
      return first === undefined ? [] : [await keepFile(first.path, guest, first.id, 'dir', store)];
    }),
  );
  return found.flat();
};
