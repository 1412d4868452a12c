import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { BinfmtctlError, interrupted } from '../errors.ts';
import { errnoOf, fileError } from './file/file-error.ts';
import { notRegular } from './file/file-kind.ts';
import { toolEnvironment } from './process/environment.ts';
import { type RunProcessOptions, type RunResult, run } from './process/process.ts';

export interface LockWaitOptions {
  /** How long to wait for another holder. */
  readonly timeoutMs: number;
  /** Called once if another process was seen to hold the lock and still does a moment later. */
  readonly onWait?: (() => void) | undefined;
  /** Ends the waiting when aborted; once the lock is held it does nothing. */
  readonly signal?: AbortSignal | undefined;
  /** What to do if the kernel refuses the lock. */
  readonly hint?: string | undefined;
  /** A lock that excludes exclusive ones only. */
  readonly shared?: boolean | undefined;
}

const HINT = 'its file system may not support locks: choose a store on another one with --store';
/** Most holders change a few entries, and end before a user would read that they are waited for. */
const WAIT_SHOWN_AFTER_MS = 700;
/** For a flock(1) that does not wait: a file system of a server that is gone may never answer. */
const ANSWER_TIMEOUT_MS = 60_000;
/** The number of the descriptor in flock(1). */
const HANDED_ON = 3;

/**
 * Runs `action` while no other process holds the lock on the file `path`, which is created in an existing directory.
 * Works between containers that share the directory, too.
 *
 * The lock is flock(2)'s, which Node does not have: flock(1) of util-linux or busybox locks a descriptor that it shares with
 * us, and ends. The kernel frees the lock when we close ours or end; other children do not inherit it.
 *
 * @throws LOCKED after `timeoutMs`, with the holder if known; NO_TOOL without flock(1); INTERRUPTED; FILE_FAILED for a link
 * or another user's file at `path`; READ_ONLY, NO_PRIVILEGE; what `action` throws.
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

// Only its owner may open it: every user who can could keep all others waiting.
function openLockFile(path: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  let file: number | null = null;
  try {
    file = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    const facts = fstatSync(file);
    if (!facts.isFile()) throw notRegular(`use the lock ${path}`, facts);
    if (facts.uid !== process.geteuid?.()) throw unusable(path, `it belongs to user ${facts.uid}`);
    if (facts.nlink > 1) throw unusable(path, 'it has several names (hard links)');
    return file;
  } catch (error) {
    if (file !== null) closeSync(file);
    if (errnoOf(error) === 'ELOOP') throw unusable(path, 'it is a symbolic link');
    throw fileError(error, `open the lock ${path}`);
  }
}

const unusable = (path: string, why: string): BinfmtctlError =>
  new BinfmtctlError('FILE_FAILED', `cannot use the lock ${path}: ${why}`, {
    hint: 'choose another store with --store',
  });

/** For messages of those who wait. */
function writeHolder(file: number): void {
  try {
    ftruncateSync(file);
    writeSync(file, `${process.pid} ${hostname()}\n`, 0);
  } catch {
    // The lock itself is held, also on a full disk.
  }
}

/**
 * Locks an open file of any kind until its descriptor is closed. Throws what `withLock` does; `path` is for messages.
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
  if (signal?.aborted) throw interrupted(signal, `waiting for the lock ${path}`);
  throw outcome.timedOut ? lockedError(path, file) : notLocked(path, outcome, hint);
}

/**
 * As `acquireLock` without waiting: false if another process holds the lock.
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
  if (signal?.aborted) throw interrupted(signal, `waiting for the lock ${path}`);
  if (!isTaken(tried)) throw notLocked(path, tried, hint);
  return false;
}

const kindOf = ({ shared }: { readonly shared: boolean }): string => (shared ? '-s' : '-x');

const flock = (file: number, words: readonly string[], options: RunProcessOptions): Promise<RunResult> =>
  run('flock', [...words, `${HANDED_ON}`], {
    ...options,
    ...{ descriptors: [file], env: toolEnvironment(), extendEnv: false },
  });

/** Both util-linux and busybox end with 1 then; busybox does so for an error as well, which it prints. */
const isTaken = ({ exitCode, stderr }: RunResult): boolean => exitCode === 1 && stderr === '';

function lockedError(path: string, file: number): BinfmtctlError {
  const [, pid, host] = /^(\d{1,10}) ([\w.-]{1,253})\n$/.exec(readHolder(file)) ?? [];
  const holder = pid === undefined ? 'another process' : `process ${pid} on ${host}`;
  return new BinfmtctlError('LOCKED', `${holder} holds the lock ${path}`, {
    hint: 'wait until it has ended: the kernel frees the lock when its holder does',
  });
}

/** Empty for a file that cannot be read. */
function readHolder(file: number): string {
  const bytes = Buffer.alloc(300);
  try {
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0));
  } catch {
    return '';
  }
}

function notLocked(path: string, outcome: RunResult, hint: string): BinfmtctlError {
  const what = `cannot take the lock ${path}`;
  // 127: a busybox without that applet.
  if (outcome.errno !== null || outcome.exitCode === 127) {
    const why = outcome.errno ?? 'status 127';
    return new BinfmtctlError('NO_TOOL', `${what}: flock cannot be started (${why})`, {
      hint: 'install util-linux, or busybox with its flock',
    });
  }
  const ending = outcome.timedOut ? 'does not answer' : `ended with status ${outcome.exitCode}`;
  return new BinfmtctlError('FILE_FAILED', `${what}: flock ${ending}`, { hint });
}
