/** A plain user who has subordinate ids, whatever this machine says in /etc/subuid. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackPackages } from '../../../scripts/packages.mjs';

export const USER = 1000;
/** The first of them, and how many. */
export const SUBORDINATE = { first: 200_000, count: 65_536 };

/** What `enter` gives such a user: root is he himself, all others are subordinate. */
export const RANGES = [
  { inside: 0, outside: USER, count: 1 },
  { inside: 1, outside: SUBORDINATE.first, count: SUBORDINATE.count },
];
export const MAPS = { uid: RANGES, gid: RANGES };

/** Goes before a command that is to run as him; newuidmap and newgidmap are on his PATH. */
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
