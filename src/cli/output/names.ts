/** Architectures and emulators by the names that people type. */
import { posix } from 'node:path';
import { displayName } from '../../catalogue/display-name.ts';
import type { Catalogue } from '../../catalogue/types.ts';
import { profileOf } from '../../emulators/names.ts';
import { builtinCatalogue } from '../../profiles/builtin.ts';

/** The name of an arch for people; its id for an arch of a user's own catalogue. */
export function archName(id: string, { arches }: Pick<Catalogue, 'arches'> = builtinCatalogue()): string {
  const arch = Object.hasOwn(arches, id) ? arches[id] : undefined;
  return arch === undefined ? id : displayName(arch);
}

/** `qemu 7.2.22`: the emulator at a path by its profile, or its file's name, with its version. */
export function emulatorName(
  { path, version }: { readonly path: string; readonly version: string | null },
  arch: string,
  catalogue: Pick<Catalogue, 'emulators'> = builtinCatalogue(),
): string {
  return [profileOf(path, arch, catalogue)?.id ?? posix.basename(path), version].filter(Boolean).join(' ');
}
