import { statSync } from 'node:fs';
import { pathBytes } from './path-bytes.ts';

/**
 * A text that changes with the state of a file; null if stat(2) fails. It includes the change time, which every write updates and
 * no program can set (inode(7)).
 */
export function fileState(path: string): string | null {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(pathBytes(path), { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch {
    return null;
  }
}
