import { statSync } from 'node:fs';
import type { Entry } from '../rule/types.ts';
import { pathBytes } from '../system/file/path-bytes.ts';
import { readEntries } from './entries.ts';
import { entryNames } from './entry-file.ts';

/** The entries of an instance at one moment. */
export interface Snapshot {
  /** Newest first, without BPF handlers. */
  readonly entries: readonly Entry[];
  /** Equal for two snapshots if no entry changed in between; null if an entry changed during the reading. */
  readonly identity: string | null;
}

/**
 * Reads all entries. An entry that was removed and registered again counts as changed: each registration has a unique inode number
 * (fs/binfmt_misc.c bm_get_inode() calls get_next_ino()).
 *
 * @throws NO_BINFMT_MISC.
 */
export function takeSnapshot(directory: string): Snapshot {
  const before = inodes(directory);
  const { entries, all } = readEntries(directory);
  const after = inodes(directory);
  const states = all.map(({ name, enabled }) => [name, enabled]);
  return { entries, identity: before === after ? JSON.stringify([before, states]) : null };
}

function inodes(directory: string): string {
  const inodeOf = (name: string) =>
    statSync(pathBytes(`${directory}/${name}`), { throwIfNoEntry: false })?.ino;
  return JSON.stringify(entryNames(directory).map((name) => [name, inodeOf(name)]));
}
