import { open, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { BinfmtctlError } from '../errors.ts';
import { fileError } from './file-error.ts';
import { type RunResult, start } from './process.ts';
import { findTool } from './tools.ts';

export interface LockOptions {
  /** How long to wait for another holder. */
  readonly timeoutMs: number;
  /** Called once, where the lock is not free at once. */
  readonly onWait?: (() => void) | undefined;
  /** Ends the waiting when aborted; once the lock is held it does nothing. */
  readonly signal?: AbortSignal | undefined;
}

/** Longer than flock(1) takes to start on a slow machine. */
const WAIT_SHOWN_AFTER_MS = 700;

/**
 * Runs `action` while no other process holds the lock on the file `path`, which is made where it is missing, in a
 * directory that exists. Works between containers that share the directory, too.
 *
 * The lock is flock(2)'s, which Node does not offer: flock(1) of util-linux or busybox holds it for a cat(1) that
 * ends with our end of its input. Thus the kernel frees it however we end, and no other child of ours inherits it.
 *
 * @throws LOCKED after `timeoutMs`, with the holder where it is known; NO_TOOL without flock(1); INTERRUPTED;
 * FILE_FAILED, READ_ONLY, NO_PRIVILEGE where the file cannot be made; what `action` throws.
 */
export async function withLock<T>(path: string, action: () => Promise<T>, options: LockOptions): Promise<T> {
  await makeLockFile(path);
  const release = await acquire(path, options);
  try {
    await writeFile(path, `${process.pid} ${hostname()}\n`).catch(() => {});
    return await action();
  } finally {
    await release();
  }
}

// Readable by its owner alone: whoever can open a file can lock it, and keep everybody else waiting.
async function makeLockFile(path: string): Promise<void> {
  try {
    await (await open(path, 'a', 0o600)).close();
  } catch (error) {
    throw fileError(error, `make the lock ${path}`);
  }
}

async function acquire(path: string, { timeoutMs, onWait, signal }: LockOptions) {
  const holder = await start('flock', [path, findTool('cat') ?? 'cat']);
  const release = async () => {
    holder.stdin.destroy();
    await holder.ended;
  };
  const timers: NodeJS.Timeout[] = [];
  const settled = new AbortController();
  // What we write comes back as soon as flock(1) has the lock and starts cat(1).
  holder.stdin.write('\n');
  const outcome = await new Promise<'held' | 'late' | 'interrupted' | RunResult>((resolve) => {
    holder.stdout.once('data', () => resolve('held'));
    holder.ended.then(resolve);
    timers.push(setTimeout(() => resolve('late'), timeoutMs));
    if (onWait !== undefined) timers.push(setTimeout(onWait, WAIT_SHOWN_AFTER_MS));
    signal?.addEventListener('abort', () => resolve('interrupted'), { signal: settled.signal });
    if (signal?.aborted) resolve('interrupted');
  });
  timers.forEach(clearTimeout);
  settled.abort();
  if (outcome === 'held') return release;
  holder.kill();
  await release();
  if (outcome === 'late') throw await lockedError(path);
  throw outcome === 'interrupted' ? interrupted(path, signal) : notLocked(path, outcome);
}

async function lockedError(path: string): Promise<BinfmtctlError> {
  const note = await readFile(path, 'utf8').catch(() => '');
  const [, pid, host] = /^(\d{1,10}) ([\w.-]{1,253})\n$/.exec(note) ?? [];
  const holder = pid === undefined ? 'another process' : `process ${pid} on ${host}`;
  return new BinfmtctlError('LOCKED', `${holder} holds the lock ${path}`, {
    hint: 'wait until it has ended: the kernel frees the lock when its holder does',
  });
}

function interrupted(path: string, signal: AbortSignal | undefined): BinfmtctlError {
  return new BinfmtctlError('INTERRUPTED', `interrupted while waiting for the lock ${path}`, {
    cause: signal?.reason,
  });
}

function notLocked(path: string, outcome: RunResult): BinfmtctlError {
  const what = `cannot take the lock ${path}`;
  // 127: a busybox without that applet, or a flock(1) that finds no cat(1).
  if (outcome.errno !== null || outcome.exitCode === 127) {
    const why = outcome.errno ?? 'status 127';
    return new BinfmtctlError('NO_TOOL', `${what}: flock cannot be started (${why})`, {
      hint: 'install util-linux, or busybox with its flock',
    });
  }
  return new BinfmtctlError('FILE_FAILED', `${what}: flock ended with status ${outcome.exitCode}`, {
    hint: 'its file system may not support locks: choose a store on another one with --store',
  });
}
