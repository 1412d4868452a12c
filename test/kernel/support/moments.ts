/** Kills a command at one of its system calls, so that the moment does not depend on the speed of the machine. */
import { readFileSync } from 'node:fs';
import { straceProgram } from './strace.ts';

/** The `when`th call of that name in the main thread, from 1 on. */
export interface Moment {
  readonly call: string;
  readonly when: number;
  /** Whether the journal of a transaction existed. */
  readonly inTransaction: boolean;
}

/**
 * The command under strace(1), which writes its system calls to `log`. Without `alone` those of its other threads and children
 * too; a set-user-ID program among them then has no rights, unless root traces it.
 */
export function recorded(
  command: readonly string[],
  log: string,
  { alone = false }: { readonly alone?: boolean } = {},
): readonly string[] {
  return traced([...(alone ? [] : ['-f']), '-o', log], command);
}

/** The command, killed by SIGKILL when its main thread enters the system call; ends normally if that never happens. */
export function killedAt({ call, when }: Moment, command: readonly string[]): readonly string[] {
  return traced(['-o', '/dev/null', '-e', `inject=${call}:signal=SIGKILL:when=${when}`], command);
}

/** Calls that change nothing, and whose number varies. */
const IDLE = /^(execve|exit_group|futex|madvise|m(un)?map|mprotect|brk|clock_\w+|epoll_\w+|rt_\w+)$/;

/** The moments in a log of `recorded`, from the start of binfmtctl on. */
export function momentsIn(log: string): readonly Moment[] {
  const counts = new Map<string, number>();
  const moments: Moment[] = [];
  let main: string | undefined;
  let inTransaction = false;
  for (const line of readFileSync(log, 'latin1').split('\n')) {
    const [, pid = '', call] = /^(?:(\d+) +)?(\w+)\(/.exec(line) ?? [];
    if (call === undefined) continue;
    main ??= pid;
    // strace splits a call if another thread's call comes in between.
    if (call === 'rename' && /\/journal\.json"(?:\) = 0| <unfinished \.\.\.>)$/.test(line))
      inTransaction = true;
    if (call === 'unlink' && line.includes('/journal.json"')) inTransaction = false;
    if (pid !== main) continue;
    const when = (counts.get(call) ?? 0) + 1;
    counts.set(call, when);
    // Node's start ends when it opens the program.
    if (call === 'openat' && line.includes('/dist/cli.cjs')) moments.length = 0;
    if (!IDLE.test(call)) moments.push({ call, when, inTransaction });
  }
  return moments;
}

/** Numbers from 0 to 1, the same ones for each seed (a linear congruential generator, Numerical Recipes). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function pick<T>(values: readonly T[], random: () => number): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}

function traced(options: readonly string[], command: readonly string[]): readonly string[] {
  const { file, libraries } = straceProgram();
  return ['env', `LD_LIBRARY_PATH=${libraries}`, file, '-qq', ...options, ...command];
}
