/** Checks that no other user can redirect root's mounts and files in a tree, by replacing a directory with a link. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { idOf, parseAccounts, parseGroups } from '../file-format/accounts.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import { findWeakness, isMachineRoot, type Weakness, type WeaknessOptions } from '../system/trust.ts';
import type { MountPlaces } from './mounts/places.ts';

/**
 * Checks that no other user can replace a directory in which root creates or mounts something. Only root is checked: other
 * users set up a session with their own rights.
 *
 * @throws BAD_ROOT; FILE_FAILED if a directory cannot be examined.
 */
export function assertTreeTrusted(root: string, places: MountPlaces): void {
  if (!isMachineRoot()) return;
  const sudoUser = sudoUserTrust();
  const directories = directoriesOf(root, places);
  for (const directory of directories) {
    const weakness = weaknessOf(directory, sudoUser);
    if (weakness !== null) throw refusal(root, weakness);
  }
}

/** The parent directories of mount points, outside the file systems that the session mounts. */
function directoriesOf(root: string, { places, binds }: MountPlaces): ReadonlySet<string> {
  const own = Object.values(places);
  const directories = [...own, ...binds.map(({ target }) => target)].flatMap((target, index) => {
    const directory = dirname(target);
    const isIn = (other: string): boolean => isBelow(directory, other);
    // Bind mounts are mounted in order, so only earlier ones matter.
    const bind = binds.slice(0, Math.max(0, index - own.length)).findLast((each) => isIn(each.target));
    if (bind !== undefined) return [join(bind.source, directory.slice(bind.target.length))];
    return own.some(isIn) ? [] : [join(root, directory)];
  });
  return new Set([root, ...directories]);
}

/**
 * The first weakness of a directory. A sticky directory counts as one, because users can replace their own files in it. With
 * `--ephemeral`, missing directories are created, so their nearest existing parent is checked.
 */
function weaknessOf(directory: string, options: WeaknessOptions): Weakness | null {
  try {
    return findWeakness(directory, options);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return weaknessOf(dirname(directory), options);
    throw fileError(error, `examine ${directory}`);
  }
}

/** Trusts the user who called sudo, who is root anyway, and that user's private group, which has no other members. */
function sudoUserTrust(): WeaknessOptions {
  const uid = idOf(process.env['SUDO_UID']);
  return uid === null || uid === 0
    ? {}
    : { trustedUid: uid, trustedGid: isPrivateGroup(uid) ? uid : undefined };
}

/** Whether a group is a user's private group. With these, some distributions make new files group-writable (pam_umask(8), `usergroups`). */
function isPrivateGroup(id: number): boolean {
  try {
    const users = parseAccounts(readFileSync('/etc/passwd', 'utf8')).filter(({ gid }) => gid === id);
    const groups = parseGroups(readFileSync('/etc/group', 'utf8')).filter(({ gid }) => gid === id);
    const members = new Set([...users.map(({ name }) => name), ...groups.flatMap((each) => each.members)]);
    return members.size === 1 && users[0]?.uid === id;
  } catch {
    return false;
  }
}

function refusal(root: string, { path, why }: Weakness): BinfmtctlError {
  const asUser = why.startsWith('belongs') ? 'enter it as that user, or ' : '';
  return new BinfmtctlError('BAD_ROOT', `will not enter ${root} as root: ${path} ${why}`, {
    hint: `users who can change it could redirect root's mounts: ${asUser}${wayOut(root, path)}`,
  });
}

function wayOut(root: string, path: string): string {
  if (isBelow(path, root)) return 'unpack it again as root, in a directory that only root can change';
  if (isBelow(root, path)) return 'move the tree to a directory that only root can change';
  return 'bind on a target that is not below another bind mount';
}

const isBelow = (path: string, directory: string): boolean => `${path}/`.startsWith(`${directory}/`);
