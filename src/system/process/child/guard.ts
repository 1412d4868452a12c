/** Ends processes and all that they started. */
import type { Readable } from 'node:stream';

interface Guarded {
  readonly pid?: number | undefined;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

interface Limits {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const KILL_DELAY_MS = 1000;

/** Groups to be ended when we exit: no terminal does it for them. */
const groups = new Set<number>();
const endGroups = () => groups.forEach((pid) => void signalGroup(pid, 'SIGKILL'));

/**
 * Ends a process and its group at the time limit, when the signal is aborted, and when we exit ourselves: SIGTERM, after a
 * second SIGKILL. `release` must follow the end of the process.
 */
export function watchOver({ pid, stdout, stderr }: Guarded, { timeoutMs, signal }: Limits) {
  let timedOut = false;
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
    timedOut = true;
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
  return { kill, release, timedOut: () => timedOut };
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // All of it has ended in the meantime.
  }
}
