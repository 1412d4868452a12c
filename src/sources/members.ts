/** The paths at which emulators are looked for in an archive. Pure. */
import { posix } from 'node:path';
import { FOLDERS, fileNames, layoutPaths, storedName } from '../emulators/names.ts';
import type { EmulatorTarget } from './types.ts';

/** What the file at one path of an archive is, if it is there. */
export interface Role {
  readonly guest: string;
  readonly emulator: string;
  /** Its name in the store. */
  readonly name: string;
}

/** Roles by absolute path. */
export type RolesByPath = Map<string, Role[]>;

/** Where distributions and images keep them. */
export const layoutRoles = (targets: readonly EmulatorTarget[]): RolesByPath => rolesAt(targets, layoutPaths);

/** The same, and by their usual names where `dir:` would find them: archives of files have no layout. */
export const treeRoles = (targets: readonly EmulatorTarget[]): RolesByPath =>
  rolesAt(targets, (profile, guest) => [
    ...new Set([
      ...layoutPaths(profile, guest),
      ...FOLDERS.flatMap((folder) => fileNames(profile, guest).map((name) => posix.join('/', folder, name))),
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
