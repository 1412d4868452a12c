import { join } from 'node:path';
import { ensureDirectory } from '../system/files.ts';
import { withLock } from '../system/lock.ts';
import type { Context } from './context.ts';

/** Longer than most downloads take, which are made under the lock. */
const TIMEOUT_MS = 600_000;

/** Runs `action` while no other binfmtctl changes anything through the same store. */
export async function withStoreLock<T>(
  { store, signal, report }: Context,
  action: () => Promise<T>,
): Promise<T> {
  await ensureDirectory(store);
  return withLock(join(store, 'lock'), action, {
    timeoutMs: TIMEOUT_MS,
    signal,
    onWait: () =>
      report({ kind: 'warning', text: `waiting for another binfmtctl (lock ${join(store, 'lock')})` }),
  });
}
