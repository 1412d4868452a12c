/** Debian root file systems of other machines. A test that changes one copies it first. */
import { execFileSync } from 'node:child_process';
import { chmodSync, constants, lchownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { debianRoot as keptRoot } from '../../../scripts/debian-root.mjs';
import { STRESS } from '../../stress.ts';

export type DebianArch = 'arm64' | 'armhf' | 'riscv64';

/**
 * The kept root of an arch. That of arm64 has apt, and was configured through our entry. The others are only unpacked except in the
 * stress run, as configuring takes emulated minutes.
 */
export const debianRoot = (arch: DebianArch): Promise<string> =>
  keptRoot(arch, { unpacked: !isConfigured(arch) });

/** Whether the root of an arch has apt, and users can be added. */
export const isConfigured = (arch: DebianArch): boolean => arch === 'arm64' || STRESS;

/** Copies a root, owners and times included. */
export function copyRoot(root: string, to: string): string {
  execFileSync('cp', ['-a', '--reflink=auto', root, to]);
  return to;
}

/** Gives every file of a tree to other ids, as a root that was made within a user namespace has them. */
export function shiftOwners(path: string, idOf: (id: number) => number, done = new Set<number>()): void {
  const { uid, gid, mode, ino } = lstatSync(path);
  // Another name of a file that has been given away.
  if (done.has(ino)) return;
  done.add(ino);
  lchownSync(path, idOf(uid), idOf(gid));
  const type = mode & constants.S_IFMT;
  // chown(2) takes the set-id bits away.
  if (mode & 0o6000 && type !== constants.S_IFLNK) chmodSync(path, mode & 0o7777);
  if (type !== constants.S_IFDIR) return;
  for (const name of readdirSync(path)) shiftOwners(join(path, name), idOf, done);
}
