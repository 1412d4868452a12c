/** Where in an archive emulators are looked for, and as what. Pure. */
import { posix } from 'node:path';
import { FOLDERS, fileNames, layoutPaths, storedName } from '../emulators/names.ts';
import type { Want } from './types.ts';

/** What one path of an archive is wanted as. */
export interface Role {
  readonly guest: string;
  readonly emulator: string;
  /** Its name in the store. */
  readonly name: string;
}

/** Roles by absolute path. */
export type Wanted = Map<string, Role[]>;

/** Where distributions and images keep them. */
export const wantedPaths = (wants: readonly Want[]): Wanted => wantedAt(wants, layoutPaths);

/** The same, and by their usual names where `dir:` would find them: archives of files have no layout. */
export const wantedInTree = (wants: readonly Want[]): Wanted =>
  wantedAt(wants, (profile, guest) => [
    ...new Set([
      ...layoutPaths(profile, guest),
      ...FOLDERS.flatMap((folder) => fileNames(profile, guest).map((name) => posix.join('/', folder, name))),
    ]),
  ]);

function wantedAt(wants: readonly Want[], pathsOf: typeof layoutPaths): Wanted {
  const wanted: Wanted = new Map();
  for (const { guest, profiles } of wants) {
    for (const profile of profiles) {
      for (const path of pathsOf(profile, guest)) {
        addWanted(wanted, path, { guest, emulator: profile.id, name: storedName(profile, guest, path) });
      }
    }
  }
  return wanted;
}

export function addWanted(wanted: Wanted, path: string, role: Role): void {
  wanted.set(path, [...(wanted.get(path) ?? []), role]);
}
