import { withInstanceLock } from '../binfmt/instance/lock.ts';
import { takeSnapshot } from '../binfmt/snapshot.ts';
import type { Context } from '../context.ts';
import { isBinfmtctlError, isInterruption } from '../errors.ts';
import type { Entry } from '../rule/types.ts';

/** A change of an instance that depends on the entries it has. */
export interface InstanceChange<Decision, Result> {
  /** Decides by the entries what to do; it may take long, and changes no entry. */
  readonly decide: (entries: readonly Entry[]) => Promise<Decision>;
  /** Does it, wholly or not at all. */
  readonly apply: (decision: Decision) => Promise<Result>;
  /** Frees what a decision holds; called once for each. */
  readonly release?: ((decision: Decision) => void) | undefined;
}

/** Longer than many others need, one after the other, to register and to run probes. */
const TIMEOUT_MS = 600_000;

/**
 * Carries out a change that may run beside others, in containers too: decides without the lock of the instance, takes it, and decides
 * once more if the entries are not the same any more. Nobody else with that lock changes an entry between decision and result, and none
 * relies on entries that are still to be proved.
 *
 * Programs that do not take the lock may still be faster: then the change is rolled back, and decided once more.
 *
 * @throws LOCKED, NO_TOOL, INTERRUPTED, NO_PRIVILEGE, READ_ONLY, NO_BINFMT_MISC; what `decide` and `apply` throw.
 */
export async function changeInstance<Decision, Result>(
  { decide, apply, release }: InstanceChange<Decision, Result>,
  context: Context,
): Promise<Result> {
  const { binfmtDirectory } = context;
  const decideNow = async (): Promise<Decided<Decision>> => {
    const { entries, identity } = takeSnapshot(binfmtDirectory);
    try {
      return { identity, decision: await decide(entries) };
    } catch (failure) {
      return { identity, failure };
    }
  };
  const dispose = (decided: Decided<Decision>): void => {
    if ('decision' in decided) release?.(decided.decision);
  };
  const carry = async (decided: Decided<Decision>): Promise<Result> => {
    if ('failure' in decided) throw decided.failure;
    return apply(decided.decision);
  };
  const decideAndCarry = async (): Promise<Result> => {
    const decided = await decideNow();
    try {
      return await carry(decided);
    } finally {
      dispose(decided);
    }
  };
  const early = await decideNow();
  try {
    if ('failure' in early && isInterruption(early.failure)) throw early.failure;
    const change = async (): Promise<Result> => {
      const { identity } = takeSnapshot(binfmtDirectory);
      const isCurrent = identity !== null && identity === early.identity;
      try {
        return await (isCurrent ? carry(early) : decideAndCarry());
      } catch (error) {
        if (!isOvertaken(error)) throw error;
        return decideAndCarry();
      }
    };
    return await withLockedInstance(context, change);
  } finally {
    dispose(early);
  }
}

/** Runs `action` with the lock of the instance. Throws what `changeInstance` does. */
export function withLockedInstance<T>(
  { binfmtDirectory, signal, report }: Context,
  action: () => Promise<T>,
): Promise<T> {
  const text = `waiting for another binfmtctl that changes entries in ${binfmtDirectory}`;
  const onWait = (): void => report({ kind: 'warning', text });
  return withInstanceLock(binfmtDirectory, action, { timeoutMs: TIMEOUT_MS, signal, onWait });
}

type Decided<Decision> = { readonly identity: string | null } & (
  | { readonly decision: Decision }
  | { readonly failure: unknown }
);

/** A failure that other entries would not have prevented. */

/** Another program registered or removed an entry after the decision. */
const isOvertaken = (error: unknown): boolean =>
  isBinfmtctlError(error) && ['ENTRY_EXISTS', 'ENTRY_NOT_FOUND'].includes(error.code);
