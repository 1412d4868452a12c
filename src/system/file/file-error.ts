import { BinfmtctlError, type ErrorCode } from '../../errors.ts';

interface ErrnoExplanation {
  readonly code: ErrorCode;
  readonly reason: string;
  /** Absent where the reason says all that is known. */
  readonly hint?: string | undefined;
}

const NO_RIGHT = { code: 'NO_PRIVILEGE' } as const;
/** For users other than root. Root is refused for another reason, such as a container or an immutable file. */
const NO_RIGHT_HINT = 'run the command as root or as the owner of the file';

const ERRNO_EXPLANATIONS: Readonly<Record<string, ErrnoExplanation>> = {
  EACCES: { ...NO_RIGHT, reason: 'permission denied' },
  EPERM: { ...NO_RIGHT, reason: 'operation not permitted' },
  EROFS: {
    code: 'READ_ONLY',
    reason: 'the file system is read-only',
    hint: 'choose another path, or remount the file system read-write',
  },
  ENOSPC: failed('no space left on device', 'free some space, or choose a path on another file system'),
  EDQUOT: failed('disk quota exceeded', 'free some space, or choose a path on another file system'),
  ENOENT: failed('no such file or directory'),
  ENOTDIR: failed('a part of the path is not a directory'),
  EISDIR: failed('it is a directory', 'pass the path of a file'),
  EEXIST: failed('it already exists', 'choose another name'),
  ELOOP: failed('too many symbolic links', 'check the links with `namei -l`'),
  ENAMETOOLONG: failed('the path is too long', 'choose a shorter path'),
  ETXTBSY: failed('the file is a running program', 'stop the program and try again'),
  EXDEV: failed('it is on another file system', 'choose a path on the same file system'),
  EMFILE: failed('too many open files', 'raise the limit with `ulimit -n`'),
  ENFILE: failed('too many open files on this machine', 'raise fs.file-max with sysctl'),
  EFBIG: failed('the file would be too large', 'raise the limit with `ulimit -f`'),
  EIO: failed('input/output error', 'check the kernel log with `dmesg`'),
  ESTALE: failed('stale file handle of a network file system', 'mount the file system again'),
};

/**
 * Converts Node's error of a file operation. `what` names operation and file, as in `write /etc/x`.
 * READ_ONLY for EROFS, NO_PRIVILEGE for EACCES and EPERM, otherwise FILE_FAILED. Returns a BinfmtctlError unchanged.
 */
export function fileError(error: unknown, what: string): BinfmtctlError {
  if (error instanceof BinfmtctlError) return error;
  const errno = errnoOf(error);
  const { code, reason, hint: known } = ERRNO_EXPLANATIONS[errno ?? ''] ?? failed(errno ?? String(error));
  const hint = code === 'NO_PRIVILEGE' && process.geteuid?.() !== 0 ? NO_RIGHT_HINT : known;
  return new BinfmtctlError(code, `cannot ${what}: ${reason}`, { hint, cause: error });
}

/** The errno name in an error from Node, such as `ENOENT`; null for any other error. */
export function errnoOf(error: unknown): string | null {
  const isErrno = error instanceof Error && 'code' in error && typeof error.code === 'string';
  return isErrno ? String(error.code) : null;
}

/** True if the file was opened but could not be read. */
export const failedToRead = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && error.syscall === 'read';

function failed(reason: string, hint?: string): ErrnoExplanation {
  return { code: 'FILE_FAILED', reason, hint };
}
