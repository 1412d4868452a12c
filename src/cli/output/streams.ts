import { fstatSync, writeSync } from 'node:fs';
import { errnoOf } from '../../system/file/file-error.ts';
import { strerror } from '../../system/strerror.ts';
import type { Shown } from './terminal.ts';

/**
 * Lets a command finish if the reader of a pipe has gone (`| head`) or the disk is full. Node creates the streams
 * on first use, which takes 3 ms, so they are opened only for output.
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

/** Where standard output is shown. Node's stream takes 4 to 8 ms to load, so that it is asked only where there may be a terminal. */
export function standardOutput(): Shown {
  try {
    const status = fstatSync(1);
    // makedev(3). Devices of major number 1, such as /dev/null, are not terminals.
    const mayBeTerminal = status.isCharacterDevice() && ((status.rdev >> 8) & 0xfff) !== 1;
    return mayBeTerminal ? process.stdout : NO_TERMINAL;
  } catch {
    return process.stdout;
  }
}

const NO_TERMINAL: Shown = { isTTY: false };

/**
 * Writes to standard output, and returns the exit status of a command that has succeeded otherwise. As after `guardStreams`, the reader
 * of a pipe may have gone.
 */
export function writeOutput(text: string): 0 | 1 {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const errno = errnoOf(error) ?? String(error);
      if (errno === 'EPIPE') return 0;
      if (errno !== 'EAGAIN') {
        complain(errno, { isDone: true });
        return 1;
      }
      // A pipe that another program made non-blocking is full: the stream waits for its reader.
      guardStreams();
      process.stdout.write(bytes.subarray(at));
      return 0;
    }
  }
  return 0;
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
