import { BinfmtctlError, type ErrorCode } from '../../errors.ts';

interface ErrnoExplanation {
  readonly code: ErrorCode;
  readonly reason: string;
  /** Absent where the reason says all that is known. */
  readonly hint?: string | undefined;
}

const NO_RIGHT = { code: 'NO_PRIVILEGE' } as const;
/** Root is refused by something else, such as a container or an immutable file. */
const NO_RIGHT_HINT = 'run it as root, or as the owner of the file';

const ERRNO_EXPLANATIONS: Readonly<Record<string, ErrnoExplanation>> = {
  EACCES: { ...NO_RIGHT, reason: 'permission denied' },
  EPERM: { ...NO_RIGHT, reason: 'operation not permitted' },
  EROFS: {
    code: 'READ_ONLY',
    reason: 'the file system is read-only',
    hint: 'choose another place, or remount the file system for writing',
  },
  ENOSPC: failed('no space is left on the disk', 'free some space, or choose a place on another disk'),
  EDQUOT: failed('the disk quota is used up', 'choose a place on another disk'),
  ENOENT: failed('no such file or directory'),
  ENOTDIR: failed('a part of the path is not a directory'),
  EISDIR: failed('it is a directory', 'name a file'),
  EEXIST: failed('it exists already', 'choose another name'),
  ELOOP: failed('too many symbolic links', '`namei -l PATH` shows where they lead'),
  ENAMETOOLONG: failed('the path is too long', 'choose a shorter one'),
  ETXTBSY: failed('the program is running', 'end the program, then try again'),
  EXDEV: failed('it is on another file system', 'choose a place on the same one'),
  EMFILE: failed('too many files are open', 'raise the limit with `ulimit -n`'),
  ENFILE: failed('too many files are open on this machine', 'raise fs.file-max with sysctl'),
  EFBIG: failed('the file would be too large', 'raise the limit with `ulimit -f`'),
  EIO: failed('the disk reports an error', 'look at the kernel log with `dmesg`'),
  ESTALE: failed('the network file system has lost it', 'mount the file system again'),
};

/**
 * What a failed file operation means, from Node's error. `what` says what was tried, on what: `write /etc/x`.
 * READ_ONLY for EROFS, NO_PRIVILEGE for EACCES and EPERM, else FILE_FAILED; errors of ours are given back as they are.
 */
export function fileError(error: unknown, what: string): BinfmtctlError {
  if (error instanceof BinfmtctlError) return error;
  const errno = errnoOf(error);
  const { code, reason, hint: known } = ERRNO_EXPLANATIONS[errno ?? ''] ?? failed(errno ?? String(error));
  const hint = code === 'NO_PRIVILEGE' && process.geteuid?.() !== 0 ? NO_RIGHT_HINT : known;
  return new BinfmtctlError(code, `cannot ${what}: ${reason}`, { hint, cause: error });
}

/** The name of the errno in an error of Node: `ENOENT`; null in any other error. */
export function errnoOf(error: unknown): string | null {
  const isErrno = error instanceof Error && 'code' in error && typeof error.code === 'string';
  return isErrno ? String(error.code) : null;
}

/** Whether a file could be opened, but not read. */
export const failedToRead = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && error.syscall === 'read';

function failed(reason: string, hint?: string): ErrnoExplanation {
  return { code: 'FILE_FAILED', reason, hint };
}
