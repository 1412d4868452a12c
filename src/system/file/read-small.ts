import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { BinfmtctlError } from '../../errors.ts';
import { pathBytes } from './path-bytes.ts';

/** Size limit of rule files, in bytes. */
export const MAX_RULES_FILE = 1 << 22;
/** Allocated once: a drop-in reads dozens of small files. */
const CHUNK = Buffer.alloc(1 << 14);

export interface SmallFileOptions {
  /** Fail with ELOOP for a symbolic link. */
  readonly noFollow?: boolean | undefined;
  readonly hint?: string | undefined;
}

/**
 * Reads a whole file of at most `most` bytes. Accepts devices such as /dev/null, and never blocks. Synchronous: reading a
 * small file takes less time than the start of Node's thread pool.
 *
 * @throws FILE_FAILED for a pipe and a larger file; otherwise Node's errors, with EISDIR for a directory.
 */
export function readSmall(
  path: string,
  most: number = MAX_RULES_FILE,
  { noFollow = false, hint = 'pass a text file with rules' }: SmallFileOptions = {},
): Uint8Array {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (noFollow ? constants.O_NOFOLLOW : 0);
  const file = openSync(pathBytes(path), flags);
  try {
    if (fstatSync(file).isFIFO()) throw cannotRead(path, 'it is a pipe', hint);
    const chunks: Buffer[] = [];
    let size = 0;
    for (let read = -1; read !== 0; size += read) {
      if (size > most) throw cannotRead(path, `it is larger than ${most} bytes`, hint);
      read = readSync(file, CHUNK);
      chunks.push(Buffer.from(CHUNK.subarray(0, read)));
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(file);
  }
}

const cannotRead = (path: string, reason: string, hint: string): BinfmtctlError =>
  new BinfmtctlError('FILE_FAILED', `cannot read ${path}: ${reason}`, { hint });
