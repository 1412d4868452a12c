/** Under which names and paths emulators are found. Pure. */
import { posix } from 'node:path';
import type { Catalogue, EmulatorProfile } from '../catalogue/types.ts';

const RANK = { static: 0, either: 1, dynamic: 2 };

/** Folders of a root, or of a folder of programs, that emulators are looked for in. */
export const FOLDERS: readonly string[] = ['', 'bin', 'usr/bin', 'usr/local/bin'];

/** Where distributions keep the emulator for a guest; static builds first. */
export function layoutPaths({ layouts, guests }: EmulatorProfile, guest: string): readonly string[] {
  const sorted = layouts.toSorted((a, b) => RANK[a.linkage] - RANK[b.linkage]);
  const paths = sorted.flatMap(({ paths }) =>
    paths.map((path) => path.replaceAll('{target}', guests[guest] ?? guest)),
  );
  return [...new Set(paths)];
}

/** Names that the emulator's file may have for a guest: `qemu-aarch64-static`, which says that it is static, before
 * `qemu-aarch64`. */
export function fileNames(profile: EmulatorProfile, guest: string): readonly string[] {
  const names = [...new Set(layoutPaths(profile, guest).map((path) => posix.basename(path)))];
  return names.toSorted((a, b) => Number(isStaticName(b)) - Number(isStaticName(a)));
}

/** The name that a file at `path` gets in the store: the usual one, without what says that it is static. */
export function storedName(profile: EmulatorProfile, guest: string, path: string): string {
  const names = fileNames(profile, guest);
  const name = names.find((each) => each === posix.basename(path)) ?? names[0] ?? profile.id;
  return name.replace(/-static$/, '');
}

/** The profile that runs the arch and whose file names fit an interpreter's; null for an unknown one. */
export function profileOf(
  interpreter: string,
  arch: string,
  { emulators }: Pick<Catalogue, 'emulators'>,
): EmulatorProfile | null {
  const file = posix.basename(interpreter);
  const match = Object.values(emulators).find(
    (profile) => Object.hasOwn(profile.guests, arch) && fileNames(profile, arch).includes(file),
  );
  return match ?? null;
}

const isStaticName = (name: string): boolean => name.endsWith('-static');
