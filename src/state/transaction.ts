import { BinfmtctlError } from '../errors.ts';
import { describe, inverse, type Step } from './steps.ts';

export interface TransactionOptions {
  /** Applies one step completely or not at all. */
  readonly apply: (step: Step) => Promise<void>;
  /** Opened before the steps and closed after them, so that the next run finds the steps of a killed one. */
  readonly journal: {
    readonly open: (steps: readonly Step[]) => Promise<void>;
    readonly close: () => Promise<void>;
  };
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  readonly onStep?: ((step: Step) => void) | undefined;
}

/**
 * Applies the steps in order. On the first failure, or when the signal is aborted, undoes the applied steps in
 * reverse order and throws the failure.
 *
 * @throws the failing step's error; INTERRUPTED; ROLLBACK_FAILED if the rollback failed too, with both errors as `cause`.
 */
export async function transact(steps: readonly Step[], options: TransactionOptions): Promise<void> {
  if (steps.length === 0) return;
  await options.journal.open(steps);
  const done: Step[] = [];
  try {
    for (const step of steps) {
      assertNotInterrupted(options.signal);
      options.onStep?.(step);
      await options.apply(step);
      done.push(step);
    }
    // The next run would roll back an open journal.
    await options.journal.close();
  } catch (failure) {
    await rollBack(done, failure, options);
  }
}

/** @throws INTERRUPTED, with the signal's name as `cause`, if `signal` is aborted. */
export function assertNotInterrupted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new BinfmtctlError('INTERRUPTED', `interrupted by ${signal.reason}; nothing was changed`, {
    cause: signal.reason,
  });
}

async function rollBack(
  done: readonly Step[],
  failure: unknown,
  { apply, journal }: TransactionOptions,
): Promise<never> {
  const problems: unknown[] = [];
  for (const step of done.toReversed().flatMap(inverse)) {
    await apply(step).catch((cause: unknown) => problems.push(undoFailure(step, cause)));
  }
  if (problems.length === 0) await journal.close().catch((cause: unknown) => problems.push(cause));
  if (problems.length === 0) throw failure;
  const cause = new AggregateError([failure, ...problems], 'the failure and the errors of the rollback');
  throw new BinfmtctlError('ROLLBACK_FAILED', [failure, ...problems].map(messageOf).join('; and then: '), {
    hint: 'run the command again: it first completes the rollback',
    cause,
  });
}

function undoFailure(step: Step, cause: unknown): Error {
  return new Error(`could not undo (${describe(step)}): ${messageOf(cause)}`, { cause });
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}
