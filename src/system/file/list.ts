import { opendirSync } from 'node:fs';
import { decodeText } from '../../rule/text.ts';
import { pathBytes } from './path-bytes.ts';

/**
 * The names in a directory, in the order of the file system. Does not use readdir(), because libuv sorts its result
 * (uv__fs_scandir_sort()). Throws Node's errors.
 */
export function listNames(directory: string): readonly string[] {
  const names: string[] = [];
  // Names need not be UTF-8. This encoding, which the type lacks, returns them as bytes.
  const open = opendirSync(pathBytes(directory) as unknown as string, {
    encoding: 'buffer' as BufferEncoding,
    bufferSize: 128,
  });
  try {
    for (let each = open.readSync(); each !== null; each = open.readSync()) {
      names.push(decodeText(each.name as unknown as Uint8Array));
    }
  } finally {
    open.closeSync();
  }
  return names;
}
