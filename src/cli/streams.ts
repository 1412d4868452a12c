import { writeSync } from 'node:fs';
import { strerror } from '../system/strerror.ts';

/** They may have changed something by the time that their result is printed. */
const CHANGING = ['install', 'uninstall', 'import', 'lock', 'bundle', 'export'];

/**
 * The reader of a pipe may have gone (`| head`), or the disk be full: a command finishes all the same. Node makes the streams
 * when they are first asked for, in 3 ms: not before something is to be said.
 *
 * @param command whose lost output is an error with a message; without it only the exit status tells.
 */
export function guardStreams(command?: string): void {
  if (process.stderr.listenerCount('error') > 0) return;
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    process.once('exit', () => {
      const isDone = (process.exitCode ?? 0) === 0;
      process.exitCode ||= 1;
      if (command !== undefined) complain(code, isDone && CHANGING.includes(command));
    });
  });
}

function complain(code: string, isDone: boolean): void {
  const hint = isDone
    ? 'hint: the command itself succeeded, and its changes stay: `binfmtctl status` shows the entries\n'
    : 'hint: free space, or redirect the output elsewhere\n';
  try {
    writeSync(2, `binfmtctl: cannot write to standard output: ${strerror(code)}\n${hint}`);
  } catch {
    // Standard error is as full.
  }
}
