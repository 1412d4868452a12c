import { lstatSync, readlinkSync } from 'node:fs';
import { decodeText } from '../../rule/text.ts';
import { errnoOf } from './file-error.ts';
import { pathBytes } from './path-bytes.ts';

/** As many links as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

/** A place in a root, which may not be there yet. */
export interface RootPlace {
  /** On this machine. */
  readonly path: string;
  readonly exists: boolean;
}

/** A file or folder of this machine that will be seen inside; neither path has links, and `target` begins below the root. */
export interface Bound {
  readonly source: string;
  readonly target: string;
}

/**
 * Where a path of a root file system really is on this machine: links are followed as a program inside would follow them,
 * so never out of it. `path` is absolute inside; what is bound is looked for at its source. Null where there is no such
 * file, or where its links go in a circle.
 */
export function resolveInRoot(root: string, path: string, bound: readonly Bound[] = []): string | null {
  const place = placeInRoot(root, path, bound);
  return place?.exists ? place.path : null;
}

/** As `resolveInRoot`; for what is missing where it would be. Null where there is no such place: links in a circle, `..` of what is missing. */
export function placeInRoot(root: string, path: string, bound: readonly Bound[] = []): RootPlace | null {
  const open = path.split('/');
  const done: string[] = [];
  const here = (): string => onMachine(root, done, bound);
  let exists = true;
  for (let links = 0; open.length > 0; ) {
    const part = open.shift() ?? '';
    if (part === '' || part === '.') continue;
    if (part === '..') {
      // The kernel finds nothing there, and links that we no longer look for would be left in the path.
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

/** Where these parts of a path are; of what is bound below or over each other the last one is seen. */
function onMachine(root: string, parts: readonly string[], bound: readonly Bound[]): string {
  const inside = parts.join('/');
  const over = bound.findLast(({ target }) => `${inside}/`.startsWith(`${target}/`));
  if (over !== undefined) return `${over.source}${inside.slice(over.target.length)}`;
  return [root === '/' ? '' : root, ...parts].join('/') || '/';
}

/** What a link says; false for what is none; null where nothing is. */
function linkOrMissing(path: string): string | false | null {
  try {
    const bytes = pathBytes(path);
    return lstatSync(bytes).isSymbolicLink() ? decodeText(readlinkSync(bytes, 'buffer')) : false;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}
