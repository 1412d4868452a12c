import { randomUUID } from 'node:crypto';
import { closeSync, constants, fchmodSync, openSync, realpathSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileError } from './file-error.ts';
import { flagsAt } from './mounts.ts';

/** open(2): O_TMPFILE, which Node has no name for; with O_DIRECTORY, so that kernels without it refuse. */
const O_TMPFILE = constants.O_DIRECTORY | 0o20000000;

/**
 * A text as a file without a name, so that none is left behind. Where TMPDIR is missing, full, or of a kind that has no such
 * files, another directory serves as well. @throws FILE_FAILED, READ_ONLY, NO_PRIVILEGE where none does.
 */
export function openText(text: string): number {
  return inFirst([tmpdir(), '/dev/shm', '/tmp', '/var/tmp'], (directory) => {
    const file = openSync(directory, O_TMPFILE | constants.O_RDWR, 0o644);
    return filled(file, text);
  });
}

/**
 * An executable file without a name, open for reading only: the kernel executes none that can be written (ETXTBSY). It
 * may hold secrets, so that directories in memory come first. @throws as `openText` does.
 */
export function openExecutable(bytes: Uint8Array): number {
  return inFirst(['/dev/shm', tmpdir(), '/tmp', '/var/tmp', '/run'], (directory) => {
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
}

/** Overlay file systems before Linux 6.1 have no O_TMPFILE. */
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

function inFirst(directories: readonly string[], open: (directory: string) => number): number {
  const failures: unknown[] = [];
  for (const directory of directories) {
    try {
      return open(directory);
    } catch (error) {
      failures.push(error);
    }
  }
  throw fileError(failures[0], `make a temporary file in ${directories[0]}`);
}
