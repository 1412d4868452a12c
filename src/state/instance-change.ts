import { withInstanceLock } from '../binfmt/instance/lock.ts';
import { takeSnapshot } from '../binfmt/snapshot.ts';
import type { Context } from '../context.ts';
import { isBinfmtctlError, isInterruption } from '../errors.ts';
import type { Entry } from '../rule/types.ts';

/** A change to an instance that depends on its current entries. */
export interface InstanceChange<Decision, Result> {
  /** Decides what to do, from the current entries. May be slow; changes no entry. */
  readonly decide: (entries: readonly Entry[]) => Promise<Decision>;
  /** Applies the decision completely or not at all. */
  readonly apply: (decision: Decision) => Promise<Result>;
  /** Frees the resources of a decision; called once per decision. */
  readonly release?: ((decision: Decision) => void) | undefined;
}

/** Long enough for many other runs to register and probe one after the other. */
const TIMEOUT_MS = 600_000;

/**
 * Changes an instance while other binfmtctl processes, also in containers, may do the same. Decides before it takes the instance's lock,
 * then again under the lock if the entries have changed. The lock keeps other processes from changing entries between decision and
 * result, and from relying on entries that are not verified yet.
 *
 * Programs that ignore the lock may interfere: then the change is rolled back and decided again.
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
  const applyDecided = async (decided: Decided<Decision>): Promise<Result> => {
    if ('failure' in decided) throw decided.failure;
    return apply(decided.decision);
  };
  const decideAndApply = async (): Promise<Result> => {
    const decided = await decideNow();
    try {
      return await applyDecided(decided);
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
        return await (isCurrent ? applyDecided(early) : decideAndApply());
      } catch (error) {
        if (!isOvertaken(error)) throw error;
        return decideAndApply();
      }
    };
    return await withLockedInstance(context, change);
  } finally {
    dispose(early);
  }
}

/** Runs `action` under the instance's lock. Throws the same errors as `changeInstance`. */
export function withLockedInstance<T>(
  { binfmtDirectory, signal, report }: Context,
  action: () => Promise<T>,
): Promise<T> {
  const text = `waiting for another binfmtctl process that is changing entries in ${binfmtDirectory}`;
  const onWait = (): void => report({ kind: 'warning', text });
  return withInstanceLock(binfmtDirectory, action, { timeoutMs: TIMEOUT_MS, signal, onWait });
}

type Decided<Decision> = { readonly identity: string | null } & (
  | { readonly decision: Decision }
  | { readonly failure: unknown }
);

/** True if another program registered or removed an entry after the decision. */
const isOvertaken = (error: unknown): boolean =>
  isBinfmtctlError(error) && ['ENTRY_EXISTS', 'ENTRY_NOT_FOUND'].includes(error.code);
