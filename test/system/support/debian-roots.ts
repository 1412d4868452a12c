/** Debian root file systems of other machines. A test that changes one copies it first. */
import { execFileSync } from 'node:child_process';
import { chmodSync, constants, lchownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { debianRoot as keptRoot } from '../../../scripts/debian-root.mjs';
import { STRESS } from '../../stress.ts';

export type DebianArch = 'arm64' | 'armhf' | 'riscv64';

/**
 * The cached root of an architecture. That of arm64 has apt, and was configured through an entry. The others are only unpacked except in the
 * stress run, as configuring takes emulated minutes.
 */
export const debianRoot = (arch: DebianArch): Promise<string> =>
  keptRoot(arch, { unpacked: !isConfigured(arch) });

/** Whether the root of an architecture has apt, and users can be added. */
export const isConfigured = (arch: DebianArch): boolean => arch === 'arm64' || STRESS;

/** Copies a root, owners and times included. */
export function copyRoot(root: string, to: string): string {
  execFileSync('cp', ['-a', '--reflink=auto', root, to]);
  return to;
}

/** Changes the owners of all files in a tree to those of a root from a user namespace. */
export function shiftOwners(path: string, idOf: (id: number) => number, done = new Set<number>()): void {
  const { uid, gid, mode, ino } = lstatSync(path);
  // Another hard link to a changed file.
  if (done.has(ino)) return;
  done.add(ino);
  lchownSync(path, idOf(uid), idOf(gid));
  const type = mode & constants.S_IFMT;
  // chown(2) clears the set-ID bits.
  if (mode & 0o6000 && type !== constants.S_IFLNK) chmodSync(path, mode & 0o7777);
  if (type !== constants.S_IFDIR) return;
  for (const name of readdirSync(path)) shiftOwners(join(path, name), idOf, done);
}
