/** Checks the entries of a package's archive. Pure: names are compared, never used as paths. */
import { posix } from 'node:path';
import type { Header } from 'tar-stream';
import { corrupt } from '../system/file/integrity.ts';

/** Larger than any emulator: QEMU's have 10 to 20 MB, or 60 MB with debug symbols. */
const MAX_FILE_SIZE = 256 * 1024 * 1024;
const PLAIN = ['file', 'contiguous-file', 'directory', 'symlink', 'link'];

/** Describes an error of tar-stream for users. */
export const tarProblem = (cause: unknown): string =>
  cause instanceof Error && cause.message.startsWith('Unexpected end')
    ? 'truncated tar archive'
    : 'not a valid tar archive';

/**
 * Returns the path of an entry from the root of the archive: `/usr/bin/qemu-aarch64`.
 *
 * @throws BAD_PACKAGE for an absolute name, a name with `..` in it, a device and a pipe.
 */
export function checkEntry({ name, type }: Header): string {
  if (name.startsWith('/') || name.split('/').includes('..') || name.includes('\0')) {
    throw corrupt(`unsafe file name in the archive: ${JSON.stringify(name)}`);
  }
  if (!PLAIN.includes(type ?? 'file'))
    throw corrupt(`unsupported file type in the archive: ${name} is a ${type}`);
  return posix.resolve('/', name);
}

/**
 * Returns the path in the archive that the entry at `path` links to; null for a regular file.
 *
 * @throws BAD_PACKAGE for a link out of the archive, a directory, and a file too large for an emulator.
 */
export function linkTarget({ type, linkname, size }: Header, path: string): string | null {
  if (type === 'symlink' || type === 'link') {
    const from = type === 'symlink' ? posix.dirname(path) : '/';
    const target = linkname ?? '';
    if (target !== '' && !leavesRoot(target, from)) return posix.resolve(from, target);
    throw corrupt(`invalid link in the archive: ${path} points to ${JSON.stringify(target)}`);
  }
  if (type === 'directory') throw corrupt(`${path} is a directory`);
  if ((size ?? 0) > MAX_FILE_SIZE)
    throw corrupt(`${path} is too large: ${size} bytes (limit: ${MAX_FILE_SIZE})`);
  return null;
}

function leavesRoot(target: string, from: string): boolean {
  let depth = target.startsWith('/') ? 0 : from.split('/').filter(Boolean).length;
  return target.split('/').some((part) => {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    return depth < 0;
  });
}
