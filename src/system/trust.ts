/** Finds users who can change a file. A user who can change a program gains the rights of everyone who runs it. */
import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { mapsRootToRoot } from './host.ts';
import { isImageFile } from './image-files.ts';

/** A file, directory or link that another user can change. */
export interface Weakness {
  readonly path: string;
  /** A predicate with the path as its subject: `belongs to user 1000`. */
  readonly why: string;
}

export interface WeaknessOptions {
  /** Accepts any owner. */
  readonly anyOwner?: boolean | undefined;
  /** Treats `path` as a parent directory: in a sticky directory, other users may create files but not replace those of root. */
  readonly asParent?: boolean | undefined;
  /** A user other than root who may change everything. */
  readonly trustedUid?: number | undefined;
  /** A group whose members may all change everything. */
  readonly trustedGid?: number | undefined;
}

const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;
/** include/linux/namei.h MAXSYMLINKS. */
const MAX_LINKS = 40;

/**
 * The first part of `path`, including `path` itself, that a user other than root can change; null if there is none.
 * In binfmtctl's container image, the image's files count as root's. Throws the errors of lstat(2).
 */
export function findWeakness(
  path: string,
  { anyOwner = false, asParent = false, trustedUid = 0, trustedGid }: WeaknessOptions = {},
): Weakness | null {
  let parts = partsOf(path);
  let at = '/';
  for (let links = 0; parts.length > 0; ) {
    const [name = '', ...rest] = parts;
    parts = rest;
    const here = join(at, name);
    const facts = lstatSync(here);
    if (!anyOwner && facts.uid !== 0 && facts.uid !== trustedUid && !isImageFile(here, facts.uid))
      return { path: here, why: `belongs to user ${facts.uid}` };
    if (facts.isSymbolicLink()) {
      if (++links > MAX_LINKS) return { path: here, why: 'is part of a loop of symbolic links' };
      const target = readlinkSync(here);
      parts = [...partsOf(target), ...rest];
      if (target.startsWith('/')) at = '/';
      continue;
    }
    // Other users cannot replace files of root in a sticky directory such as /tmp.
    const isParent = rest.length > 0 || asParent;
    const isSticky = facts.isDirectory() && isParent && (facts.mode & STICKY) !== 0;
    const writers = facts.gid === trustedGid ? OTHERS_WRITE : GROUP_WRITE | OTHERS_WRITE;
    if ((facts.mode & writers) !== 0 && !isSticky) return { path: here, why: 'can be written by others' };
    at = here;
  }
  return null;
}

/** Whether this process is root in the initial user namespace or in one that maps root to root, so that it affects all users. */
export const isMachineRoot = (): boolean => process.geteuid?.() === 0 && mapsRootToRoot() !== false;

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');
