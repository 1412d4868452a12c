import { closeSync, constants, openSync, readSync } from 'node:fs';
import { pathBytes } from './path-bytes.ts';

/**
 * The first `length` bytes of a file, or fewer if it is shorter. Does not wait for a writer of a named pipe. Throws Node's
 * errors. Synchronous, because thirty small reads take less time than the start of Node's thread pool.
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

/** As `readHead`; null if the file cannot be read. */
export function tryReadHead(path: string, length: number): Uint8Array | null {
  try {
    return readHead(path, length);
  } catch {
    return null;
  }
}
