import { statSync } from 'node:fs';
import { pathBytes } from './path-bytes.ts';

/**
 * One text for the state of a file; null if it cannot be looked at. The change time moves with every change of the bytes, and no program
 * can set it back (inode(7)).
 */
export function fileState(path: string): string | null {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(pathBytes(path), { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch {
    return null;
  }
}
