import { join } from 'node:path';
import type { Arch } from '../../catalogue/types.ts';
import type { Context } from '../../context.ts';
import { fileNames } from '../../emulators/names.ts';
import { BinfmtctlError } from '../../errors.ts';
import { isFile } from '../../system/file/is-file.ts';

/** The emulators that users of the image select. A null `folder` means the default places. */
export interface EmulatorFiles {
  readonly folder: string | null;
  /** The prefix of their file names: `buildkit-`. */
  readonly prefix: string;
}

/** Reads QEMU_BINARY_PATH and QEMU_BINARY_PREFIX. @throws USAGE */
export function emulatorFiles(): EmulatorFiles {
  const { QEMU_BINARY_PATH = '', QEMU_BINARY_PREFIX = '' } = process.env;
  if (!QEMU_BINARY_PREFIX.includes('/'))
    return { folder: QEMU_BINARY_PATH || null, prefix: QEMU_BINARY_PREFIX };
  throw new BinfmtctlError('USAGE', 'QEMU_BINARY_PREFIX must not contain a slash', {
    hint: 'set the directory with QEMU_BINARY_PATH',
  });
}

/** The sources for an arch, as `install` takes them. */
export function sourcesFor(arch: Arch, context: Context): readonly string[] {
  const { folder, prefix } = emulatorFiles();
  if (prefix === '') return folder === null ? [] : [`dir:${folder}`];
  const files = prefixedFiles(arch, context);
  return [`path:${files.find(isFile) ?? files[0]}`];
}

/** Ids of the arches with an emulator whose file name has the prefix. */
export function archesWithPrefix(context: Context): readonly string[] {
  const all = Object.values(context.catalogue.arches);
  return all.filter((arch) => prefixedFiles(arch, context).some(isFile)).map(({ id }) => id);
}

function prefixedFiles(arch: Arch, { catalogue }: Context): readonly string[] {
  const { folder, prefix } = emulatorFiles();
  const { qemu } = catalogue.emulators;
  const names = qemu === undefined ? [] : fileNames(qemu, arch.id);
  return names.map((name) => join(folder ?? '/usr/bin', `${prefix}${name}`));
}
