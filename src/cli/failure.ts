import { constants } from 'node:os';
import { BinfmtctlError, EXIT_STATUS, isBinfmtctlError, isInterruption } from '../errors.ts';
import { fileError } from '../system/file/file-error.ts';
import { isOurImage } from '../system/host.ts';
import { toJson } from '../text/json.ts';
import { maskSecrets } from '../text/secrets.ts';
import { onOneLine, paint, print } from './output/terminal.ts';
import { withSameOptions } from './store-options.ts';

/** The exit status of a failure: that of its code, 128+N after a signal, 1 for a bug. */
export function exitStatusOf(failure: unknown): number {
  const signal = interruptedBy(failure);
  if (signal !== null) return 128 + signal;
  return isBinfmtctlError(failure) ? EXIT_STATUS[failure.code] : 1;
}

/**
 * Turns a failure into INTERRUPTED if the signal was aborted: a program that was killed for it fails in its own way. A failed
 * rollback keeps its code.
 */
export function asInterruption(failure: unknown, signal: AbortSignal): unknown {
  const code = isBinfmtctlError(failure) ? failure.code : null;
  if (!signal.aborted || isInterruption(failure) || code === 'ROLLBACK_FAILED') return failure;
  const message = failure instanceof Error ? failure.message : String(failure);
  return new BinfmtctlError('INTERRUPTED', `interrupted by ${signal.reason}: ${message}`, {
    cause: signal.reason,
  });
}

interface FailureOutput {
  readonly verbose: boolean;
  readonly json: boolean;
  /** Whether standard output belongs to the program that is run. */
  readonly isEmulating?: boolean;
}

/**
 * Prints a failure on standard error: one line, a hint, and with `verbose` the stack and its causes; as a document
 * on standard output with `json`, on standard error alone if standard output is another program's. In our container image the error comes last, as wrappers of `docker run` show only the last line.
 */
export function printFailure(failure: unknown, { verbose, json, isEmulating = false }: FailureOutput): void {
  const error = explained(failure instanceof Error ? failure : new Error(String(failure)));
  const code = isBinfmtctlError(error) ? error.code : 'BUG';
  const hint = isBinfmtctlError(error)
    ? error.hint && withSameOptions(error.hint)
    : 'this is a bug in binfmtctl: please report it with the output of --verbose';
  const message = onOneLine(maskSecrets(error.message));
  if (json) {
    const document = `${toJson({ schema: 'binfmtctl/error/1', code, message, hint: hint ?? null })}\n`;
    if (isEmulating) return void process.stderr.write(document);
    process.stdout.write(document);
  }
  const lines = [
    `${paint('red', 'binfmtctl:')} ${message}\n`,
    ...(hint === undefined ? [] : [`${paint('yellow', 'hint:')} ${onOneLine(hint)}\n`]),
    ...(verbose ? [`${maskSecrets(stackOf(error))}\n`] : []),
  ];
  for (const line of isOurImage() ? lines.toReversed() : lines) print(line, process.stderr);
}

/** Adds a hint to Node's errors that can occur anywhere. */
function explained(error: Error): Error {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (isBinfmtctlError(error) || code === undefined) return error;
  if (syscall === 'uv_cwd')
    return new BinfmtctlError('FILE_FAILED', 'the current directory has been removed', {
      hint: 'change to another directory, as with `cd /`, then run the command again',
      cause: error,
    });
  return ['EMFILE', 'ENFILE'].includes(code) ? fileError(error, 'go on') : error;
}

/** A failure on one line: the message, then the hint in parentheses. */
export const failureLine = ({ message, hint }: Pick<BinfmtctlError, 'message' | 'hint'>): string =>
  onOneLine(maskSecrets(hint === undefined ? message : `${message} (${hint})`));

/** The number of the signal that caused a failure, or null. */
function interruptedBy(failure: unknown): number | null {
  if (!isInterruption(failure)) return null;
  return constants.signals[failure.cause as NodeJS.Signals] ?? constants.signals.SIGINT;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : '';
  const several =
    error instanceof AggregateError
      ? error.errors.map((each) => `\nand: ${stackOf(each as Error)}`).join('')
      : '';
  return `${error.stack ?? error.message}${cause}${several}`;
}
