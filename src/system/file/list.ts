import { opendirSync } from 'node:fs';
import { decodeText } from '../../rule/text.ts';
import { pathBytes } from './path-bytes.ts';

/**
 * Names in a directory, byte by byte and in the order that the file system gives them. Not readdir(), which libuv sorts
 * by name (uv__fs_scandir_sort()). Errors are Node's own.
 */
export function listNames(directory: string): readonly string[] {
  const names: string[] = [];
  // With this encoding, which its type does not know, names are bytes: they need not be UTF-8.
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
