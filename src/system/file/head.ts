import { closeSync, constants, openSync, readSync } from 'node:fs';
import { pathBytes } from './path-bytes.ts';

/**
 * The first `length` bytes of a file, fewer where it is shorter. Does not wait for a writer of a named pipe. Errors are
 * Node's own. Synchronous, because thirty small reads take less than Node's thread pool to start.
 */
export function readHead(path: string, length: number): Uint8Array {
  const file = openSync(pathBytes(path), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const head = new Uint8Array(length);
    return head.subarray(0, readSync(file, head, 0, length, 0));
  } finally {
    closeSync(file);
  }
}

/** As `readHead`; null where it cannot be read, whatever the reason. */
export function tryReadHead(path: string, length: number): Uint8Array | null {
  try {
    return readHead(path, length);
  } catch {
    return null;
  }
}
