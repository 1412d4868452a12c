/** Signals to us, for a program that runs in our place. */
import { readFileSync } from 'node:fs';

/** Whom signals are handed on to. */
export interface Target {
  /** The program; it may be another process than our child. */
  pid: number | undefined;
  /** A shell with job control that the program is a job of (namespace/setup-script.ts); null where it is in our process group. */
  readonly shell: number | null;
  /** The last signal that ends whatever has not said otherwise. */
  interruption: NodeJS.Signals | null;
}

/** Sent to us alone, as by `kill`: the program gets them, too. */
const HANDED_ON = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGPWR'] as const;
/** The terminal sends these to the process group in the foreground, and so to the program. */
const OF_TERMINALS = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGCONT', 'SIGWINCH'] as const;

/** Until the returned function is called, signals to us are signals to the program, which stops and goes on with us. */
export function forwardSignals(target: Target): () => void {
  const send = (signal: NodeJS.Signals): void => {
    target.interruption = signal;
    signalTo(target.pid, signal);
  };
  const onTerminalSignal = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGTSTP') stop(target, stopSelf);
    else if (signal === 'SIGCONT') resume(target);
    else if (signal === 'SIGWINCH') {
      // It ends nothing. Some servers stop gracefully at it.
      if (!isForeground()) signalTo(target.pid, signal);
    } else if (isForeground()) target.interruption = signal;
    else send(signal);
  };
  // By what the kernel does of itself: it stops no process group that nobody could let go on (setpgid(2), "orphaned").
  const stopSelf = (): void => {
    process.off('SIGTSTP', onTerminalSignal);
    process.kill(process.pid, 'SIGTSTP');
    process.on('SIGTSTP', onTerminalSignal);
  };
  for (const signal of HANDED_ON) process.on(signal, send);
  for (const signal of OF_TERMINALS) process.on(signal, onTerminalSignal);
  return () => {
    for (const signal of HANDED_ON) process.off(signal, send);
    for (const signal of OF_TERMINALS) process.off(signal, onTerminalSignal);
  };
}

/** Whether our process group is the one that the terminal sends its signals to. */
export function isForeground(): boolean {
  const { group, foreground } = terminalFacts('self');
  return group === foreground;
}

/** A shell with job control stops us, once it sees that its job has stopped. */
function stop({ pid, shell }: Target, stopSelf: () => void): void {
  if (shell !== null && pid !== undefined) signalTo(-terminalFacts(pid).group, 'SIGTSTP');
  else {
    if (!isForeground()) signalTo(pid, 'SIGTSTP');
    stopSelf();
  }
}

/** In the background the program goes on without the terminal, which the shell would take. */
function resume({ pid, shell }: Target): void {
  if (shell !== null && isForeground()) signalTo(shell, 'SIGCONT');
  else signalTo(shell !== null && pid !== undefined ? -terminalFacts(pid).group : pid, 'SIGCONT');
}

/** Process group of a process, and that in the foreground of its terminal: fields 5 and 8 of proc_pid_stat(5). */
function terminalFacts(pid: number | 'self'): { readonly group: number; readonly foreground: number } {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [, , , group, , , foreground] = text.slice(text.lastIndexOf(')')).split(' ');
    return { group: Number(group), foreground: Number(foreground) };
  } catch {
    return { group: 0, foreground: -1 };
  }
}

function signalTo(pid: number | undefined, signal: NodeJS.Signals): void {
  // 0 would be our own process group.
  if (!pid) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}
