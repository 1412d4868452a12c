/** Where in an archive emulators are looked for, and as what. Pure. */
import { layoutPaths, storedName } from '../names.ts';
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

export function wantedPaths(wants: readonly Want[]): Wanted {
  const wanted: Wanted = new Map();
  for (const { guest, profiles } of wants) {
    for (const profile of profiles) {
      for (const path of layoutPaths(profile, guest)) {
        addWanted(wanted, path, { guest, emulator: profile.id, name: storedName(profile, guest, path) });
      }
    }
  }
  return wanted;
}

export function addWanted(wanted: Wanted, path: string, role: Role): void {
  wanted.set(path, [...(wanted.get(path) ?? []), role]);
}
