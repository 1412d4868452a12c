/** Sends signals at an exact system call with strace(1), regardless of the machine's speed. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { unpackPackages } from '../../../scripts/packages.mjs';
import type { Ran } from './command.ts';
import { BINFMT, temporaryFolder } from './machine.ts';

export interface Interruption {
  readonly signal: NodeJS.Signals;
  /** A system call; `register` is a write to the instance's file of that name. */
  readonly call: string;
  /** Number of the call within one thread, from 1 on. Default: 1. */
  readonly when?: number | undefined;
}

/** Runs the command line; the signal arrives when it enters the system call. */
export function interruptedAt({ signal, call, when = 1 }: Interruption, words: readonly string[]) {
  const where = call === 'register' ? ['-P', join(BINFMT, 'register')] : [];
  const injection = `inject=${call === 'register' ? 'write' : call}:signal=${signal}:when=${when}`;
  const { file, args, env } = strace(['-o', '/dev/null', ...where, '-e', injection], words);
  return spawnSync(file, args, { env });
}

/**
 * Runs the command line, which stops before and after its first write to `register`: `between` are called while it is stopped, the
 * second one only if it is reached.
 */
export async function stoppedAroundRegister(
  words: readonly string[],
  between: readonly [before: () => void, after: () => void],
): Promise<Ran> {
  const log = join(temporaryFolder(), 'strace.log');
  writeFileSync(log, '');
  const stops = ['openat', 'write'].flatMap((call) => ['-e', `inject=${call}:signal=SIGSTOP:when=1`]);
  const { file, args, env } = strace(['-o', log, '-P', join(BINFMT, 'register'), ...stops], words);
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  const texts = Promise.all([text(child.stdout), text(child.stderr)]);
  for (const [index, action] of between.entries()) {
    const pid = await stopped(log, index, () => child.exitCode !== null);
    if (pid === null) break;
    action();
    process.kill(pid, 'SIGCONT');
  }
  const [status] = await ended;
  const [stdout, stderr] = await texts;
  return { status, stdout, stderr };
}

/** The process that stopped after `count` earlier stops; null if it has ended. */
async function stopped(log: string, count: number, hasEnded: () => boolean): Promise<number | null> {
  for (;;) {
    // Each thread reports the stop: the first line is that of the thread which got the signal.
    const received = readFileSync(log, 'utf8').matchAll(
      /^(\d+) +--- SIGSTOP \{.*\n\1 +--- stopped by SIGSTOP/gm,
    );
    const pid = [...received][count]?.[1];
    if (pid !== undefined) return Number(pid);
    if (hasEnded()) return null;
    await setTimeout(5);
  }
}

/** The command line of strace(1), which follows all threads of the command. */
function strace(options: readonly string[], words: readonly string[]) {
  const { file, libraries } = straceProgram();
  return {
    file,
    args: ['-f', '-qq', ...options, process.execPath, resolve('dist/cli.cjs'), ...words],
    env: { ...process.env, LD_LIBRARY_PATH: libraries },
  };
}

/** strace(1) and the directory of its libraries; neither is installed. */
export function straceProgram(): { readonly file: string; readonly libraries: string } {
  const [root = '', libunwind = ''] = unpackPackages('strace', 'libunwind8');
  const [triplet = ''] = readdirSync(join(libunwind, 'usr/lib'));
  return { file: join(root, 'usr/bin/strace'), libraries: join(libunwind, 'usr/lib', triplet) };
}
