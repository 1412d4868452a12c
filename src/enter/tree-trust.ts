/** Whether another user can redirect what root makes and mounts in a tree, by exchanging a directory for a link. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { idOf, parseAccounts, parseGroups } from '../file-format/accounts.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import { findWeakness, isMachineRoot, type Weakness, type WeaknessOptions } from '../system/trust.ts';
import type { MountPlaces } from './mounts/places.ts';

/**
 * Makes sure that no other user can exchange a directory in which root makes or mounts something. Plain users are not
 * concerned: they set up a session with their own rights.
 *
 * @throws BAD_ROOT; FILE_FAILED where a directory cannot be examined.
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

/** The directories that mount targets are in, outside the file systems that the session mounts itself. */
function directoriesOf(root: string, { places, binds }: MountPlaces): ReadonlySet<string> {
  const own = Object.values(places);
  const directories = [...own, ...binds.map(({ target }) => target)].flatMap((target, index) => {
    const directory = dirname(target);
    const isIn = (other: string): boolean => isBelow(directory, other);
    // Binds are mounted in their order.
    const bind = binds.slice(0, Math.max(0, index - own.length)).findLast((each) => isIn(each.target));
    if (bind !== undefined) return [join(bind.source, directory.slice(bind.target.length))];
    return own.some(isIn) ? [] : [join(root, directory)];
  });
  return new Set([root, ...directories]);
}

/**
 * The first weakness of a directory. A sticky directory is one, too: in it users can exchange what belongs to them. With
 * `--ephemeral`, missing directories are made, and the one that they are made in counts.
 */
function weaknessOf(directory: string, options: WeaknessOptions): Weakness | null {
  try {
    return findWeakness(directory, options);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return weaknessOf(dirname(directory), options);
    throw fileError(error, `examine ${directory}`);
  }
}

/** The user who called sudo has root's rights, and may let the members of a private group write: there are no others. */
function sudoUserTrust(): WeaknessOptions {
  const uid = idOf(process.env['SUDO_UID']);
  return uid === null || uid === 0
    ? {}
    : { trustedUid: uid, trustedGid: isPrivateGroup(uid) ? uid : undefined };
}

/** Such a group is why some distributions let the group write what a user creates (pam_umask(8), `usergroups`). */
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
