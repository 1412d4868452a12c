import { BinfmtctlError } from '../errors.ts';
import { describe, inverse, type Step } from './steps.ts';

export interface TransactionDoors {
  /** Carries one step out, wholly or not at all. */
  readonly apply: (step: Step) => Promise<void>;
  /** Called before and after the steps: what a killed run has left can be found there. */
  readonly journal: {
    readonly open: (steps: readonly Step[]) => Promise<void>;
    readonly close: () => Promise<void>;
  };
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  readonly onStep?: ((step: Step) => void) | undefined;
}

/**
 * Carries the steps out in order; on the first failure, or when the signal is aborted, takes back what it did in
 * reverse order and throws the failure.
 *
 * @throws what the failing step threw; INTERRUPTED; ROLLBACK_FAILED where the undo failed too, with both as `cause`.
 */
export async function transact(steps: readonly Step[], doors: TransactionDoors): Promise<void> {
  if (steps.length === 0) return;
  await doors.journal.open(steps);
  const done: Step[] = [];
  try {
    for (const step of steps) {
      assertNotInterrupted(doors.signal);
      doors.onStep?.(step);
      await doors.apply(step);
      done.push(step);
    }
    // Left open, the next run would take all of it back.
    await doors.journal.close();
  } catch (failure) {
    await rollBack(done, failure, doors);
  }
}

/** @throws INTERRUPTED, with the signal's name as `cause`, once `signal` is aborted. */
export function assertNotInterrupted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new BinfmtctlError('INTERRUPTED', `interrupted by ${signal.reason}; nothing was changed`, {
    cause: signal.reason,
  });
}

async function rollBack(
  done: readonly Step[],
  failure: unknown,
  { apply, journal }: TransactionDoors,
): Promise<never> {
  const problems: unknown[] = [];
  for (const step of done.toReversed().flatMap(inverse)) {
    await apply(step).catch((cause: unknown) => problems.push(undoFailure(step, cause)));
  }
  if (problems.length === 0) await journal.close().catch((cause: unknown) => problems.push(cause));
  if (problems.length === 0) throw failure;
  const cause = new AggregateError([failure, ...problems], 'the failure, then what could not be taken back');
  throw new BinfmtctlError('ROLLBACK_FAILED', [failure, ...problems].map(messageOf).join('; and then: '), {
    hint: 'run the command again: it finds and repairs what was left half done',
    cause,
  });
}

function undoFailure(step: Step, cause: unknown): Error {
  return new Error(`could not undo (${describe(step)}): ${messageOf(cause)}`, { cause });
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}
