import { randomUUID } from 'node:crypto';
import { closeSync, constants, fchmodSync, openSync, realpathSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { BinfmtctlError } from '../../errors.ts';
import { flagsAt } from '../namespace/mounts.ts';
import { fileError } from './file-error.ts';

/** O_TMPFILE of open(2), which Node does not define. It includes O_DIRECTORY, so that kernels without it fail. */
const O_TMPFILE = constants.O_DIRECTORY | 0o20000000;

/**
 * Opens an unnamed file that contains a text, so that no file is left behind. Falls back to other directories if TMPDIR is
 * missing, full or on a file system without O_TMPFILE. @throws FILE_FAILED, READ_ONLY, NO_PRIVILEGE if all fail.
 */
export function openText(text: string): number {
  const directories = [tmpdir(), '/dev/shm', '/tmp', '/var/tmp'];
  const opened = openInFirst(directories, (directory) => {
    const file = openSync(directory, O_TMPFILE | constants.O_RDWR, 0o644);
    return filled(file, text);
  });
  if ('file' in opened) return opened.file;
  throw fileError(opened.failures[0], `create a temporary file in ${directories[0]}`);
}

/**
 * Opens an unnamed executable file, for reading only: the kernel does not execute a file that is open for writing
 * (ETXTBSY). The file may contain secrets, so directories in memory come first. Tries many, because hardened machines mount
 * most of them noexec. @throws FILE_FAILED if all fail.
 */
export function openExecutable(bytes: Uint8Array): number {
  const { XDG_RUNTIME_DIR: runtime = `/run/user/${process.geteuid?.()}`, HOME = '' } = process.env;
  const known = ['/dev/shm', runtime, '/run', tmpdir(), '/tmp', '/var/tmp', HOME];
  const directories = [...new Set(known)].filter((each) => each.startsWith('/'));
  const opened = openInFirst(directories, (directory) => {
    if (flagsAt(realpathSync(directory)).includes('noexec'))
      throw Object.assign(new Error(`${directory} is mounted noexec`), { code: 'EACCES' });
    const file = filled(openUnnamed(directory), bytes);
    try {
      fchmodSync(file, 0o755);
      return openSync(`/proc/self/fd/${file}`, 'r');
    } finally {
      closeSync(file);
    }
  });
  if ('file' in opened) return opened.file;
  const all = directories.join(', ');
  throw new BinfmtctlError('FILE_FAILED', `cannot create an executable temporary file in any of ${all}`, {
    hint: 'set TMPDIR to a writable directory on a file system that is mounted without noexec',
    cause: new AggregateError(opened.failures),
  });
}

/** Opens an unnamed file without O_TMPFILE, too: overlay file systems lack it before Linux 6.1. */
function openUnnamed(directory: string): number {
  try {
    return openSync(directory, O_TMPFILE | constants.O_RDWR, 0o700);
  } catch {
    const path = `${directory}/.binfmtctl-${randomUUID()}`;
    const file = openSync(path, 'wx+', 0o700);
    unlinkSync(path);
    return file;
  }
}

function filled(file: number, content: string | Uint8Array): number {
  try {
    writeFileSync(file, content);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

type OpenAttempt = { readonly file: number } | { readonly failures: readonly unknown[] };

/** Opens a file in the first directory that allows it. */
function openInFirst(directories: readonly string[], open: (directory: string) => number): OpenAttempt {
  const failures: unknown[] = [];
  for (const directory of directories) {
    try {
      return { file: open(directory) };
    } catch (error) {
      failures.push(error);
    }
  }
  return { failures };
}
