import { resolve } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { writeStore } from '../store-writer.ts';
import { copyToStore } from './copy.ts';
import type { Source } from './types.ts';

/**
 * `path:FILE`: that file is the emulator; a copy of it goes into the store.
 *
 * @throws BAD_SOURCE for more than one arch; what `copyToStore` throws.
 */
export const fetchPath: Source = async (file, wants, options) => {
  const [want, another] = wants;
  if (another !== undefined) {
    throw new BinfmtctlError(
      'BAD_SOURCE',
      `${file} is one file, but ${wants.length} architectures are asked for`,
      {
        hint: 'name one architecture, or a folder with dir:DIR',
      },
    );
  }
  const path = resolve(file);
  // Where several emulators could run the arch, the file's name says which one it is.
  const profile =
    want?.profiles.find((each) => path.toLowerCase().split('/').at(-1)?.includes(each.id)) ??
    want?.profiles[0];
  if (want === undefined || profile === undefined) return [];
  const { store, signal } = options;
  const copy = writeStore(store, (writer) => copyToStore(path, want.guest, profile, 'path', writer), {
    signal,
  });
  return [await copy];
};
