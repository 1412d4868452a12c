import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { BinfmtctlError, interrupted } from '../errors.ts';
import { errnoOf, fileError } from './file/file-error.ts';
import { notRegular } from './file/file-kind.ts';
import { toolEnvironment } from './process/environment.ts';
import { type RunProcessOptions, type RunResult, run } from './process/process.ts';

export interface LockWaitOptions {
  /** How long to wait for the lock. */
  readonly timeoutMs: number;
  /** Called once if another process still holds the lock after a moment. */
  readonly onWait?: (() => void) | undefined;
  /** Stops the wait when aborted. Has no effect once the lock is held. */
  readonly signal?: AbortSignal | undefined;
  /** The hint to print if the kernel refuses the lock. */
  readonly hint?: string | undefined;
  /** Takes a shared lock instead of an exclusive one. */
  readonly shared?: boolean | undefined;
}

const HINT = 'the file system may not support locks; choose a store on another file system with --store';
/** Most holders release the lock sooner, so that no message is needed. */
const WAIT_SHOWN_AFTER_MS = 700;
/** For a non-blocking flock(1): a network file system whose server is gone may never answer. */
const ANSWER_TIMEOUT_MS = 60_000;
/** The lock file's descriptor in flock(1). */
const LOCK_FD = 3;

/**
 * Runs `action` while no other process holds the lock on the file `path`, which is created in an existing directory.
 * Also works between containers that share the directory.
 *
 * Node has no flock(2). A flock(1) of util-linux or busybox locks an inherited descriptor and exits. The kernel releases the
 * lock when this process closes the descriptor or ends; other child processes do not inherit it.
 *
 * @throws LOCKED after `timeoutMs`, with the holder if known; NO_TOOL without flock(1); INTERRUPTED; FILE_FAILED for a link
 * or another user's file at `path`; READ_ONLY, NO_PRIVILEGE; the errors of `action`.
 */
export async function withLock<T>(
  path: string,
  action: () => Promise<T>,
  options: LockWaitOptions,
): Promise<T> {
  const file = openLockFile(path);
  try {
    await acquireLock(path, file, options);
    writeHolder(file);
    return await action();
  } finally {
    closeSync(file);
  }
}

// Mode 0600: any user who can open the file could lock it forever.
function openLockFile(path: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  let file: number | null = null;
  try {
    file = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    const facts = fstatSync(file);
    if (!facts.isFile()) throw notRegular(`use lock file ${path}`, facts);
    if (facts.uid !== process.geteuid?.()) throw unusable(path, `it belongs to user ${facts.uid}`);
    if (facts.nlink > 1) throw unusable(path, 'it has several hard links');
    return file;
  } catch (error) {
    if (file !== null) closeSync(file);
    if (errnoOf(error) === 'ELOOP') throw unusable(path, 'it is a symbolic link');
    throw fileError(error, `open lock file ${path}`);
  }
}

const unusable = (path: string, why: string): BinfmtctlError =>
  new BinfmtctlError('FILE_FAILED', `cannot use lock file ${path}: ${why}`, {
    hint: 'choose another store with --store',
  });

/** Records the holder, for messages of waiting processes. */
function writeHolder(file: number): void {
  try {
    ftruncateSync(file);
    writeSync(file, `${process.pid} ${hostname()}\n`, 0);
  } catch {
    // The lock is held all the same, also on a full disk.
  }
}

/**
 * Locks an open file of any kind until its descriptor is closed. Throws the same errors as `withLock`. `path` is for messages.
 */
export async function acquireLock(
  path: string,
  file: number,
  { timeoutMs, onWait, signal, hint = HINT, shared = false }: LockWaitOptions,
): Promise<void> {
  if (await tryLock(path, file, { signal, hint, shared })) return;
  const waiting = onWait === undefined ? undefined : setTimeout(onWait, WAIT_SHOWN_AFTER_MS);
  const outcome = await flock(file, [kindOf({ shared })], { timeoutMs, signal });
  clearTimeout(waiting);
  if (outcome.exitCode === 0) return;
  if (signal?.aborted) throw interrupted(signal, `waiting for lock file ${path}`);
  throw outcome.timedOut ? lockedError(path, file) : notLocked(path, outcome, hint);
}

/**
 * As `acquireLock`, without waiting: false if another process holds the lock.
 *
 * @throws NO_TOOL, INTERRUPTED, FILE_FAILED.
 */
export async function tryLock(
  path: string,
  file: number,
  {
    signal,
    hint = HINT,
    shared = false,
  }: Omit<LockWaitOptions, 'timeoutMs'> & { readonly shared?: boolean } = {},
): Promise<boolean> {
  const tried = await flock(file, ['-n', kindOf({ shared })], { timeoutMs: ANSWER_TIMEOUT_MS, signal });
  if (tried.exitCode === 0) return true;
  if (signal?.aborted) throw interrupted(signal, `waiting for lock file ${path}`);
  if (!isTaken(tried)) throw notLocked(path, tried, hint);
  return false;
}

const kindOf = ({ shared }: { readonly shared: boolean }): string => (shared ? '-s' : '-x');

const flock = (file: number, words: readonly string[], options: RunProcessOptions): Promise<RunResult> =>
  run('flock', [...words, `${LOCK_FD}`], {
    ...options,
    ...{ descriptors: [file], env: toolEnvironment(), extendEnv: false },
  });

/** util-linux and busybox exit with 1 if the lock is taken. busybox does so for errors, too, but prints them. */
const isTaken = ({ exitCode, stderr }: RunResult): boolean => exitCode === 1 && stderr === '';

function lockedError(path: string, file: number): BinfmtctlError {
  const [, pid, host] = /^(\d{1,10}) ([\w.-]{1,253})\n$/.exec(readHolder(file)) ?? [];
  const holder = pid === undefined ? 'another process' : `process ${pid} on ${host}`;
  return new BinfmtctlError('LOCKED', `${holder} holds lock file ${path}`, {
    hint: 'wait until that process ends, then try again',
  });
}

/** The recorded holder; empty if the file cannot be read. */
function readHolder(file: number): string {
  const bytes = Buffer.alloc(300);
  try {
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0));
  } catch {
    return '';
  }
}

function notLocked(path: string, outcome: RunResult, hint: string): BinfmtctlError {
  const what = `cannot lock ${path}`;
  // 127: a busybox without the flock applet.
  if (outcome.errno !== null || outcome.exitCode === 127) {
    const why = outcome.errno ?? 'status 127';
    return new BinfmtctlError('NO_TOOL', `${what}: flock cannot be started (${why})`, {
      hint: 'install util-linux, or a busybox with flock',
    });
  }
  const ending = outcome.timedOut ? 'timed out' : `ended with status ${outcome.exitCode}`;
  return new BinfmtctlError('FILE_FAILED', `${what}: flock ${ending}`, { hint });
}
