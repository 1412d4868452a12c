import { writeSync } from 'node:fs';
import { strerror } from '../../system/strerror.ts';

/**
 * Lets a command finish if the reader of a pipe has gone (`| head`) or the disk is full. Node makes the streams
 * when they are first asked for, in 3 ms: not before something is to be said.
 *
 * @param silent whether only the exit status tells that output was lost
 */
export function guardStreams({ silent = false }: { readonly silent?: boolean } = {}): void {
  if (process.stderr.listenerCount('error') > 0) return;
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    process.once('exit', () => {
      const isDone = (process.exitCode ?? 0) === 0;
      process.exitCode ||= 1;
      if (!silent) complain(code, { isDone });
    });
  });
}

function complain(code: string, { isDone }: { readonly isDone: boolean }): void {
  const hint = isDone
    ? 'hint: the command itself succeeded, and its changes stay: free space, or redirect the output elsewhere\n'
    : 'hint: free space, or redirect the output elsewhere\n';
  try {
    writeSync(2, `binfmtctl: cannot write to standard output: ${strerror(code)}\n${hint}`);
  } catch {
    // Standard error is as full.
  }
}
