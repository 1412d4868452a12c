/** File names and paths of emulators. Pure. */
import { posix } from 'node:path';
import type { Catalogue, EmulatorProfile } from '../catalogue/types.ts';

const RANK = { static: 0, either: 1, dynamic: 2 };

/** Subdirectories of a root, or of a directory of programs, that may contain emulators. */
export const FOLDERS: readonly string[] = ['', 'bin', 'usr/bin', 'usr/local/bin'];

/** Returns the paths of the emulator for a guest in distributions; static builds first. */
export function layoutPaths({ layouts, guests }: EmulatorProfile, guest: string): readonly string[] {
  const sorted = layouts.toSorted((a, b) => RANK[a.linkage] - RANK[b.linkage]);
  const paths = sorted.flatMap(({ paths }) =>
    paths.map((path) => path.replaceAll('{target}', guests[guest] ?? guest)),
  );
  return [...new Set(paths)];
}

/** Returns the possible file names of the emulator for a guest. Names of static builds come first: `qemu-aarch64-static`. */
export function fileNames(profile: EmulatorProfile, guest: string): readonly string[] {
  const names = [...new Set(layoutPaths(profile, guest).map((path) => posix.basename(path)))];
  return names.toSorted((a, b) => Number(isStaticName(b)) - Number(isStaticName(a)));
}

/** Returns the name in the store of a file at `path`: the usual name without `-static`. */
export function storedName(profile: EmulatorProfile, guest: string, path: string): string {
  const names = fileNames(profile, guest);
  const name = names.find((each) => each === posix.basename(path)) ?? names[0] ?? profile.id;
  return name.replace(/-static$/, '');
}

/** Finds the profile that runs the arch and has the interpreter's file name; null if there is none. */
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
