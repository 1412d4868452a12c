import { lstatSync, readlinkSync } from 'node:fs';
import { errnoOf } from './file-error.ts';

/** The kernel's limit (path_resolution(7)). */
const MAX_LINKS = 40;

/** A path in a root, which may not exist yet. */
export interface RootPlace {
  /** Path on the host. */
  readonly path: string;
  readonly exists: boolean;
}

/** A bind mount of a host path into the root. Neither path contains links; `target` is relative to the root. */
export interface Bound {
  readonly source: string;
  readonly target: string;
}

/**
 * The host path of a file in a root file system. Follows links as a program inside would, so never out of the root, and maps
 * bind mounts to their source. `path` is absolute inside. Null if the file does not exist, or its links form a loop.
 */
export function resolveInRoot(root: string, path: string, bound: readonly Bound[] = []): string | null {
  const place = placeInRoot(root, path, bound);
  return place?.exists ? place.path : null;
}

/** As `resolveInRoot`, also for a missing file. Null for a loop of links, and for `..` after a missing directory. */
export function placeInRoot(root: string, path: string, bound: readonly Bound[] = []): RootPlace | null {
  const open = path.split('/');
  const done: string[] = [];
  const here = (): string => onMachine(root, done, bound);
  let exists = true;
  for (let links = 0; open.length > 0; ) {
    const part = open.shift() ?? '';
    if (part === '' || part === '.') continue;
    if (part === '..') {
      // The kernel fails here, too; and links behind a missing directory are unknown.
      if (!exists) return null;
      done.pop();
      continue;
    }
    done.push(part);
    if (bound.some(({ target }) => target === done.join('/'))) {
      exists = true;
      continue;
    }
    const target = exists ? linkOrMissing(here()) : false;
    if (target === null) exists = false;
    if (typeof target !== 'string') continue;
    if (++links > MAX_LINKS) return null;
    done.pop();
    if (target.startsWith('/')) done.length = 0;
    open.unshift(...target.split('/'));
  }
  return { path: here(), exists };
}

/** The host path of these parts. If several bind mounts cover them, the last one counts. */
function onMachine(root: string, parts: readonly string[], bound: readonly Bound[]): string {
  const inside = parts.join('/');
  const over = bound.findLast(({ target }) => `${inside}/`.startsWith(`${target}/`));
  if (over !== undefined) return `${over.source}${inside.slice(over.target.length)}`;
  return [root === '/' ? '' : root, ...parts].join('/') || '/';
}

/** The target of a link; false for another file; null if the file does not exist. */
function linkOrMissing(path: string): string | false | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : false;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}
