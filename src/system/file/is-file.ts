import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { pathBytes } from './path-bytes.ts';

/** Whether a path is a regular file; follows links. */
export const isFile = (path: string): boolean => tryStat(path)?.isFile() === true;

/** Whether a path is a directory; follows links. */
export const isFolder = (path: string): boolean => tryStat(path)?.isDirectory() === true;

/** Whether this process may execute a file. False for every user on a noexec mount. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(pathBytes(path), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function tryStat(path: string): Stats | null {
  try {
    return statSync(pathBytes(path));
  } catch {
    return null;
  }
}
