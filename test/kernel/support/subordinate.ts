/** A plain user with subordinate IDs, regardless of this machine's /etc/subuid. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackPackages } from '../../../scripts/packages.mjs';

export const USER = 1000;
/** The first subordinate ID, and their number. */
export const SUBORDINATE = { first: 200_000, count: 65_536 };

/** The maps of such a user in `enter`: the user is root, all others are subordinate IDs. */
export const RANGES = [
  { inside: 0, outside: USER, count: 1 },
  { inside: 1, outside: SUBORDINATE.first, count: SUBORDINATE.count },
];
export const MAPS = { uid: RANGES, gid: RANGES };

/** Command prefix to run as this user, with newuidmap and newgidmap in PATH. */
export function asSubordinate(folder: string): readonly string[] {
  const etc = join(folder, 'etc');
  mkdirSync(etc);
  for (const name of ['subuid', 'subgid'])
    writeFileSync(join(etc, name), `${USER}:${SUBORDINATE.first}:${SUBORDINATE.count}\n`);
  chmodSync(folder, 0o755);
  const [root = ''] = unpackPackages('uidmap');
  const script = [
    `mount -t overlay -o lowerdir=${etc}:/etc overlay /etc`,
    `PATH=${join(root, 'usr/bin')}:$PATH exec setpriv --reuid=${USER} --regid=${USER} --clear-groups "$@"`,
  ].join(' && ');
  return ['unshare', '--mount', 'sh', '-c', script, 'sh'];
}
