/** With flag F, the kernel opens the interpreter at registration and keeps that file even if its path changes. */
import { closeSync, constants, lstatSync, openSync, readSync, statSync } from 'node:fs';
import type { Entry } from '../rule/types.ts';
import { errnoOf } from '../system/file/file-error.ts';
import { pathBytes } from '../system/file/path-bytes.ts';
import { kernelVersion } from '../system/host.ts';
import type { HeldState } from './held.ts';

/**
 * Compares the file that an entry with flag F holds with the file at its path, without running a program. `same` if neither that
 * file nor the link at the path has changed since the registration. Null if only `compareHeld` can tell, or without flag F.
 *
 * An entry's file keeps the time of its registration as its access time: reading does not update it (fs/binfmt_misc.c has no
 * file_accessed()), but `echo 0 >ENTRY` updates the other two.
 */
export function compareTimes(directory: string, { name, flags, interpreter }: Entry): HeldState | null {
  if (!flags.includes('F')) return null;
  const options = { bigint: true, throwIfNoEntry: false } as const;
  try {
    const file = statSync(pathBytes(interpreter), options);
    if (file === undefined) return 'gone';
    const link = lstatSync(pathBytes(interpreter), options) ?? file;
    const registered = statSync(pathBytes(`${directory}/${name}`), options)?.atimeNs ?? 0n;
    return file.ctimeNs < registered && link.ctimeNs < registered ? 'same' : null;
  } catch {
    return null;
  }
}

/**
 * Compares the program of the running process `pid` with the file at `interpreter`. A copy is the `same`, as in another container
 * of the same image. Null if the process has exited or belongs to another user, if a file cannot be examined, or if the
 * interpreter may have executed another program (a script, a wrapper).
 */
export function compareHeld(pid: number, interpreter: string): HeldState | null {
  try {
    const running = statSync(`/proc/${pid}/exe`, { bigint: true });
    const named = statSync(pathBytes(interpreter), { bigint: true, throwIfNoEntry: false });
    if (named === undefined) return 'gone';
    if (running.dev === named.dev && running.ino === named.ino) return 'same';
    if (running.size === named.size && hasSameBytes(`/proc/${pid}/exe`, interpreter)) return 'same';
    return running.nlink === 0n || isPathHeld(interpreter) === false ? 'replaced' : null;
  } catch {
    return null;
  }
}

const COMPARED_AT_ONCE = 1024 * 1024;

function hasSameBytes(a: string, b: string): boolean {
  const files: number[] = [];
  try {
    for (const path of [a, b])
      files.push(openSync(pathBytes(path), constants.O_RDONLY | constants.O_NONBLOCK));
    const parts = files.map(() => Buffer.alloc(COMPARED_AT_ONCE));
    for (let at = 0; ; at += COMPARED_AT_ONCE) {
      const [one, other] = files.map((file, index) => {
        const part = parts[index] as Buffer;
        return part.subarray(0, readSync(file, part, 0, COMPARED_AT_ONCE, at));
      });
      if (one === undefined || other === undefined || !one.equals(other)) return false;
      if (one.length === 0) return true;
    }
  } finally {
    for (const file of files) closeSync(file);
  }
}

function isPathHeld(path: string): boolean | null {
  const descriptor = openSync(pathBytes(path), O_PATH);
  try {
    return isHeld(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** open(2): O_PATH does not open the file itself, so it has no effect on a pipe or a device. */
export const O_PATH = 0o10000000;

/**
 * Whether the kernel denies writes to a file because a program runs it or an entry with flag F holds it (fs/exec.c
 * open_exec(), exe_file_deny_write_access()). Null if unknown: without write permission, on a read-only file system, and on
 * Linux 6.11 and 6.12, which do not deny writes (commits 2a010c412853 and 3b832035387f).
 *
 * Opens a file that is not held for writing, and closes it unchanged.
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
