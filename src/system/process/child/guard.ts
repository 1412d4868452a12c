/** Kills processes and their descendants. */
import type { Readable } from 'node:stream';

interface Guarded {
  readonly pid?: number | undefined;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

interface ProcessLimits {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const KILL_DELAY_MS = 1000;

/** Process groups to kill when binfmtctl exits: they are not in the terminal's foreground group. */
const groups = new Set<number>();
const endGroups = () => groups.forEach((pid) => void signalGroup(pid, 'SIGKILL'));

/**
 * Kills a process and its group at the time limit, when the signal is aborted, and when binfmtctl exits: with SIGTERM, and one
 * second later with SIGKILL. The caller must call `release` after the process ends.
 */
export function watchOver({ pid, stdout, stderr }: Guarded, { timeoutMs, signal }: ProcessLimits) {
  let timedOut = false;
  let released = false;
  let forceKill: NodeJS.Timeout | undefined;
  const kill = () => {
    // The process ID may be reused by now.
    if (released) return;
    signalGroup(pid, 'SIGTERM');
    forceKill ??= setTimeout(() => {
      signalGroup(pid, 'SIGKILL');
      // Processes that left the group may still hold the outputs open.
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
    clearTimeout(forceKill);
    if (unfinished || forceKill !== undefined) signalGroup(pid, 'SIGKILL');
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
    // The group has ended.
  }
}
