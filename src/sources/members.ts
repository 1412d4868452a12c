/** Paths of emulators in archives. Pure. */
import { posix } from 'node:path';
import { FOLDERS, fileNames, layoutPaths, storedName } from '../emulators/names.ts';
import type { EmulatorTarget } from './types.ts';

/** What a file at a given path is: which emulator, for which guest. */
export interface Role {
  readonly guest: string;
  readonly emulator: string;
  /** Its name in the store. */
  readonly name: string;
}

/** Roles by absolute path. */
export type RolesByPath = Map<string, Role[]>;

/** Roles at the paths of distributions and images. */
export const layoutRoles = (targets: readonly EmulatorTarget[]): RolesByPath => rolesAt(targets, layoutPaths);

/** Also at the paths where `dir:` finds emulators: plain archives follow no distribution's layout. */
export const treeRoles = (targets: readonly EmulatorTarget[]): RolesByPath =>
  rolesAt(targets, (profile, guest) => [
    ...new Set([
      ...layoutPaths(profile, guest),
      ...FOLDERS.flatMap((directory) =>
        fileNames(profile, guest).map((name) => posix.join('/', directory, name)),
      ),
    ]),
  ]);

function rolesAt(targets: readonly EmulatorTarget[], pathsOf: typeof layoutPaths): RolesByPath {
  const roles: RolesByPath = new Map();
  for (const { guest, profiles } of targets) {
    for (const profile of profiles) {
      for (const path of pathsOf(profile, guest)) {
        addRole(roles, path, { guest, emulator: profile.id, name: storedName(profile, guest, path) });
      }
    }
  }
  return roles;
}

export function addRole(roles: RolesByPath, path: string, role: Role): void {
  roles.set(path, [...(roles.get(path) ?? []), role]);
}
