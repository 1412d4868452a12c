/** The error of a program that failed. */
import { BinfmtctlError } from '../errors.ts';
import type { EmulatedResult } from './subprocess.ts';

/** A program that `run` or `enter` started has failed: the code is `PROGRAM_FAILED`, and `cause` is execa's error. */
export class ProgramError extends BinfmtctlError {
  override readonly name: string = 'ProgramError';
  /** The program's exit status; 128+N for signal N. */
  readonly exitCode: number | undefined;
  /** The signal that ended the process. */
  readonly signal: string | undefined;
  readonly timedOut: boolean;
  readonly stdout: unknown;
  readonly stderr: unknown;

  static {
    // The published code is minified, and with it the names of classes.
    Object.defineProperty(ProgramError, 'name', { value: 'ProgramError' });
  }

  constructor(program: string, result: EmulatedResult) {
    super('PROGRAM_FAILED', `${program} ${endOf(result)}`, { cause: result });
    this.exitCode = result.exitCode;
    this.signal = result.signal;
    this.timedOut = result.timedOut;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
  }
}

function endOf({ exitCode, signal, timedOut }: EmulatedResult): string {
  if (timedOut) return 'timed out';
  if (signal !== undefined) return `was terminated by ${signal}`;
  return exitCode === undefined ? 'failed' : `exited with status ${exitCode}`;
}
