/** What an entry of a package's archive may be. Pure: names are compared, never used as paths. */
import { posix } from 'node:path';
import type { Header } from 'tar-stream';
import { corrupt } from '../system/file/integrity.ts';

/** No emulator is larger; QEMU's have 10 to 20 MB, 60 with debug symbols. */
const MAX_FILE_SIZE = 256 * 1024 * 1024;
const PLAIN = ['file', 'contiguous-file', 'directory', 'symlink', 'link'];

/** What is wrong with an archive, from an error of tar-stream, whose words speak to programmers. */
export const tarProblem = (cause: unknown): string =>
  cause instanceof Error && cause.message.startsWith('Unexpected end')
    ? 'it ends too early'
    : 'it is no tar archive, or a damaged one';

/**
 * The place of an entry as a path from the root of the archive: `/usr/bin/qemu-aarch64`.
 *
 * @throws BAD_PACKAGE for an absolute name or one with `..` in it, and for devices and pipes.
 */
export function checkEntry({ name, type }: Header): string {
  if (name.startsWith('/') || name.split('/').includes('..') || name.includes('\0')) {
    throw corrupt(`it has a file with the name ${JSON.stringify(name)}`);
  }
  if (!PLAIN.includes(type ?? 'file')) throw corrupt(`${name} is a ${type}`);
  return posix.resolve('/', name);
}

/**
 * Where a wanted entry at `path` links to, within the archive; null where it is the file itself.
 *
 * @throws BAD_PACKAGE for a link out of the archive, a folder in the place of an emulator, and a file too large for one.
 */
export function linkTarget({ type, linkname, size }: Header, path: string): string | null {
  if (type === 'symlink' || type === 'link') {
    const from = type === 'symlink' ? posix.dirname(path) : '/';
    const target = linkname ?? '';
    if (target !== '' && !leavesRoot(target, from)) return posix.resolve(from, target);
    throw corrupt(`${path} is a link to ${JSON.stringify(target)}`);
  }
  if (type === 'directory') throw corrupt(`${path} is a folder`);
  if ((size ?? 0) > MAX_FILE_SIZE) throw corrupt(`${path} has ${size} bytes`);
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
