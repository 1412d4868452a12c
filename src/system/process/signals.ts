/** Forwards signals from binfmtctl to the program that it runs. */
import { readFileSync } from 'node:fs';

/** The receiver of signals. */
export interface Target {
  /** The program, which need not be the direct child. */
  pid: number | undefined;
  /** The shell whose job the program is (namespace/setup-script.ts); null if the program is in binfmtctl's process group. */
  readonly shell: number | null;
  /** The last signal that ends a program by default. */
  interruption: NodeJS.Signals | null;
}

/** Signals that only binfmtctl receives, as from `kill`. They are forwarded. */
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGPWR'] as const;
/** Signals that the terminal sends to the foreground process group, and so to the program. */
const OF_TERMINALS = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGCONT', 'SIGWINCH'] as const;

/** Forwards signals to the program until the returned function is called. The program and binfmtctl stop and continue together. */
export function forwardSignals(target: Target): () => void {
  const send = (signal: NodeJS.Signals): void => {
    target.interruption = signal;
    signalTo(target.pid, signal);
  };
  const onTerminalSignal = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGTSTP') stop(target, stopSelf);
    else if (signal === 'SIGCONT') resume(target);
    else if (signal === 'SIGWINCH') {
      // Not an interruption by default, although some servers shut down on it.
      if (!isForeground()) signalTo(target.pid, signal);
    } else if (isForeground()) target.interruption = signal;
    else send(signal);
  };
  // By the default action of SIGTSTP: the kernel then does not stop an orphaned process group, which nothing could continue
  // (setpgid(2)).
  const stopSelf = (): void => {
    process.off('SIGTSTP', onTerminalSignal);
    process.kill(process.pid, 'SIGTSTP');
    process.on('SIGTSTP', onTerminalSignal);
  };
  for (const signal of FORWARDED) process.on(signal, send);
  for (const signal of OF_TERMINALS) process.on(signal, onTerminalSignal);
  return () => {
    for (const signal of FORWARDED) process.off(signal, send);
    for (const signal of OF_TERMINALS) process.off(signal, onTerminalSignal);
  };
}

/** Whether this process is in the terminal's foreground process group. */
export function isForeground(): boolean {
  const { group, foreground } = terminalFacts('self');
  return group === foreground;
}

/** Stops the program. A shell with job control then makes binfmtctl stop, too. */
function stop({ pid, shell }: Target, stopSelf: () => void): void {
  if (shell !== null && pid !== undefined) signalTo(-terminalFacts(pid).group, 'SIGTSTP');
  else {
    if (!isForeground()) signalTo(pid, 'SIGTSTP');
    stopSelf();
  }
}

/** Continues the program. In the background, bypasses the shell, which would take the terminal. */
function resume({ pid, shell }: Target): void {
  if (shell !== null && isForeground()) signalTo(shell, 'SIGCONT');
  else signalTo(shell !== null && pid !== undefined ? -terminalFacts(pid).group : pid, 'SIGCONT');
}

/** Process group of a process, and foreground process group of its terminal: fields 5 and 8 of proc_pid_stat(5). */
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
  // 0 would be the caller's process group.
  if (!pid) return;
  try {
    process.kill(pid, signal);
  } catch {
    // The process has ended.
  }
}
