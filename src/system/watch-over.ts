/** Ends programs, with everything that they have started. */
import type { Readable } from 'node:stream';
import type { ProcessOptions } from './process/process.ts';

const KILL_DELAY_MS = 1000;

interface Started {
  readonly pid?: number | undefined;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

/** Groups to be ended when we exit: no terminal does it for them. */
const groups = new Set<number>();
const endGroups = () => groups.forEach((pid) => void signalGroup(pid, 'SIGKILL'));

/** Ends a process and its group at the time limit, when the signal is aborted, and when we exit ourselves. */
export function watchOver(
  { pid, stdout, stderr }: Started,
  { timeoutMs, signal }: Pick<ProcessOptions, 'timeoutMs' | 'signal'>,
) {
  let late = false;
  let released = false;
  let insisting: NodeJS.Timeout | undefined;
  const kill = () => {
    // Its number may be another's by now.
    if (released) return;
    signalGroup(pid, 'SIGTERM');
    insisting ??= setTimeout(() => {
      signalGroup(pid, 'SIGKILL');
      // What left the group may still hold the outputs open.
      stdout?.destroy();
      stderr?.destroy();
    }, KILL_DELAY_MS);
  };
  const onLimit = () => {
    late = true;
    kill();
  };
  const limit = timeoutMs === undefined ? undefined : setTimeout(onLimit, timeoutMs);
  if (pid !== undefined) groups.add(pid);
  if (!process.listeners('exit').includes(endGroups)) process.on('exit', endGroups);
  signal?.addEventListener('abort', kill);
  if (signal?.aborted) kill();
  const release = (unfinished: boolean) => {
    released = true;
    clearTimeout(limit);
    clearTimeout(insisting);
    if (unfinished || insisting !== undefined) signalGroup(pid, 'SIGKILL');
    if (pid !== undefined) groups.delete(pid);
    signal?.removeEventListener('abort', kill);
  };
  return { kill, release, timedOut: () => late };
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // All of it has ended in the meantime.
  }
}
