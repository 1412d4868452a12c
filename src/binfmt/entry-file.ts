/** Reads and writes the files of an instance, in the kernel's order and without decoding. */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { RESERVED_NAMES } from '../rule/check.ts';
import { listNames } from '../system/file/list.ts';
import { pathBytes } from '../system/file/path-bytes.ts';

/** Lists the names of the entries, newest first: the order in which the kernel tries them. */
export function entryNames(directory: string): readonly string[] {
  return listNames(directory).filter((name) => !RESERVED_NAMES.includes(name));
}

/** Reads to the end and ignores the file's size: a user with write permission may have set any size. */
export function readEntryFile(directory: string, name: string): Uint8Array {
  return withFile(pathOf(directory, name), constants.O_RDONLY, (file) => {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const size = readSync(file, buffer);
      if (size === 0) return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
      chunks.push(buffer.slice(0, size));
    }
  });
}

/** Shared by all reads: allocating a buffer takes as long as reading a file. */
const buffer = new Uint8Array(4096);

/** Makes one write(2), which is one command to the kernel. Never creates the file. */
export function writeOnce(directory: string, name: string, bytes: Uint8Array): void {
  withFile(pathOf(directory, name), constants.O_WRONLY, (file) => writeSync(file, bytes));
}

function withFile<T>(path: Buffer, flags: number, action: (file: number) => T): T {
  const file = openSync(path, flags | constants.O_NOFOLLOW);
  try {
    return action(file);
  } finally {
    closeSync(file);
  }
}

const pathOf = (directory: string, name: string): Buffer => pathBytes(`${directory}/${name}`);
