/**
 * The one error class. `code` says what kind of failure it is and, through EXIT_STATUS, what the command
 * exits with; the message says what failed and on what; `hint` says what to do.
 */

/**
 * Exit status of the command line for every code. It is 1 if a request failed, and 2 if the command line or a profile is invalid.
 * It is 3 if this machine or user cannot do it.
 */
export const EXIT_STATUS = {
  USAGE: 2,
  UNKNOWN_ARCH: 2,
  BAD_SOURCE: 2,
  BAD_PROFILE: 2,
  BAD_LOCK: 2,
  BAD_RULE: 2,
  UNSAFE_RULE: 1,
  NATIVE_ARCH: 1,
  NOT_ELF: 1,
  BAD_ELF: 1,
  BAD_ENTRY: 1,
  ENTRY_NOT_FOUND: 1,
  ENTRY_EXISTS: 1,
  ENTRY_NOT_OURS: 1,
  KERNEL_REFUSED: 1,
  EMULATOR_NOT_FOUND: 1,
  EMULATOR_UNFIT: 1,
  SOURCE_FAILED: 1,
  BAD_PACKAGE: 1,
  STORE_FAILED: 1,
  FILE_FAILED: 1,
  PROCESS_FAILED: 1,
  LOCKED: 1,
  LOCK_MISMATCH: 1,
  NOT_PROVED: 1,
  ROLLBACK_FAILED: 1,
  INTERRUPTED: 1,
  NO_PRIVILEGE: 3,
  NOT_LINUX: 3,
  NO_BINFMT_MISC: 3,
  BINFMT_MISC_DISABLED: 3,
  READ_ONLY: 3,
  NO_TOOL: 3,
  NO_NAMESPACE: 3,
  BAD_ROOT: 1,
  PROGRAM_NOT_FOUND: 1,
  PROGRAM_NOT_EXECUTABLE: 1,
  PROGRAM_FAILED: 1,
} as const satisfies Record<string, 1 | 2 | 3>;

/** The kinds of failure. */
export type ErrorCode = keyof typeof EXIT_STATUS;

/** Details of a `BinfmtctlError`. */
export interface ErrorOptions {
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** Every failure: `code` is its kind, the message says what failed and why, `hint` says what to do. */
export class BinfmtctlError extends Error {
  override readonly name: string = 'BinfmtctlError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  static {
    // The published code is minified, and with it the names of classes.
    Object.defineProperty(BinfmtctlError, 'name', { value: 'BinfmtctlError' });
  }

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** What an operation throws once its signal is aborted; `what` is what it was doing, as in `reading FILE`. */
export const interrupted = (signal: AbortSignal, what: string): BinfmtctlError =>
  new BinfmtctlError('INTERRUPTED', `interrupted while ${what}`, { cause: signal.reason });

/** Whether something thrown says that its operation was interrupted. */
export const isInterruption = (thrown: unknown): thrown is BinfmtctlError =>
  isBinfmtctlError(thrown) && thrown.code === 'INTERRUPTED';

/** Whether something thrown concerns one of several items, so that the others may follow: neither a bug nor an interruption. */
export const isItemFailure = (thrown: unknown): thrown is BinfmtctlError =>
  isBinfmtctlError(thrown) && thrown.code !== 'INTERRUPTED';

/** Whether something thrown is one of ours; also where it comes from another bundle, which has a class of its own. */
export function isBinfmtctlError(thrown: unknown): thrown is BinfmtctlError {
  return thrown instanceof Error && thrown.name === 'BinfmtctlError' && 'code' in thrown;
}
