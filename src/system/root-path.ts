import { lstatSync, readlinkSync } from 'node:fs';
import { errnoOf } from './file-error.ts';

/** As many links as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * Where a path of a root file system really is on this machine: links are followed as a program inside would follow them,
 * so never out of it. `path` is absolute inside. Null where there is no such file, or where its links go in a circle.
 */
export function resolveInRoot(root: string, path: string): string | null {
  const open = path.split('/');
  const done: string[] = [];
  const here = (): string => [root === '/' ? '' : root, ...done].join('/') || '/';
  for (let links = 0; open.length > 0; ) {
    const part = open.shift() ?? '';
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    done.push(part);
    const target = linkOrMissing(here());
    if (target === null || ++links > MAX_LINKS + 1) return null;
    if (target === false) {
      links--;
      continue;
    }
    done.pop();
    if (target.startsWith('/')) done.length = 0;
    open.unshift(...target.split('/'));
  }
  return here();
}

/** What a link says; false for what is none; null where nothing is. */
function linkOrMissing(path: string): string | false | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : false;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}
