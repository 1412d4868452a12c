/** With flag F the kernel opens the interpreter at registration and keeps that file, whatever happens to its path. */
import { closeSync, constants, openSync, statSync } from 'node:fs';
import { errnoOf } from '../system/file-error.ts';
import { kernelVersion } from '../system/host.ts';
import { pathBytes } from '../system/path-bytes.ts';

/** How the file that the kernel runs compares with the file at the path of the interpreter. */
export type HeldState = 'same' | 'replaced' | 'gone';

/**
 * Compares the program of the running process `pid` with the file at `interpreter`. Null if the process has ended, belongs to
 * another user, or either file cannot be examined. For an interpreter that is a script, the program is that of its `#!` line.
 */
export function compareHeld(pid: number, interpreter: string): HeldState | null {
  try {
    const held = statSync(`/proc/${pid}/exe`, { bigint: true });
    const named = statSync(pathBytes(interpreter), { bigint: true, throwIfNoEntry: false });
    if (named === undefined) return 'gone';
    return held.dev === named.dev && held.ino === named.ino ? 'same' : 'replaced';
  } catch {
    return null;
  }
}

/** open(2), O_PATH: the file itself is not opened, and a named pipe or a device is left alone. */
export const O_PATH = 0o10000000;

/**
 * Whether the kernel denies writes to a file because a program runs it or an entry with flag F holds it (fs/exec.c
 * open_exec(), exe_file_deny_write_access()). Null if this cannot be established: without the right to write, on a
 * read-only file system, and on Linux 6.11 and 6.12, which do not deny writes (commits 2a010c412853 and 3b832035387f).
 *
 * A file that is not held is opened for writing, and closed unchanged.
 */
export function isHeld(descriptor: number): boolean | null {
  const [major, minor] = kernelVersion();
  if (major === 6 && (minor === 11 || minor === 12)) return null;
  try {
    closeSync(openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK));
    return false;
  } catch (error) {
    return errnoOf(error) === 'ETXTBSY' ? true : null;
  }
}
