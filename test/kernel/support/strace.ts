/** Signals that arrive at one system call, whatever the speed of the machine, by strace(1). */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unpackPackages } from '../../../scripts/packages.mjs';
import { BINFMT } from './machine.ts';

export interface Interruption {
  readonly signal: NodeJS.Signals;
  /** A system call; `register` is a write to the instance's file of that name. */
  readonly call: string;
  /** Which of these calls within one thread, from 1 on. Default 1. */
  readonly when?: number | undefined;
}

/** Runs the command line to its end; the signal arrives as it enters the system call. */
export function interruptedAt({ signal, call, when = 1 }: Interruption, words: readonly string[]) {
  const [strace = '', libunwind = ''] = unpackPackages('strace', 'libunwind8');
  const where = call === 'register' ? ['-P', join(BINFMT, 'register')] : [];
  const injection = `inject=${call === 'register' ? 'write' : call}:signal=${signal}:when=${when}`;
  const options = ['-f', '-qq', '-o', '/dev/null', ...where, '-e', injection];
  const [triplet = ''] = readdirSync(join(libunwind, 'usr/lib'));
  return spawnSync(
    join(strace, 'usr/bin/strace'),
    [...options, process.execPath, resolve('dist/cli.cjs'), ...words],
    { env: { ...process.env, LD_LIBRARY_PATH: join(libunwind, 'usr/lib', triplet) } },
  );
}
