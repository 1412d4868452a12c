import { join } from 'node:path';
import type { Context } from '../context.ts';
import { assertStoreTrusted } from '../emulators/store/trust.ts';
import { ensureDirectory } from '../system/file/files.ts';
import { withLock } from '../system/lock.ts';

/** Longer than most downloads take, which are made under the lock. */
const TIMEOUT_MS = 600_000;

/** Runs `action` while no other binfmtctl changes anything through the same store. @throws STORE_FAILED, LOCKED. */
export async function withStoreLock<T>(
  { store, signal, report }: Context,
  action: () => Promise<T>,
): Promise<T> {
  assertStoreTrusted(store);
  await ensureDirectory(store, 0o755);
  return withLock(join(store, 'lock'), action, {
    timeoutMs: TIMEOUT_MS,
    signal,
    onWait: () =>
      report({ kind: 'warning', text: `waiting for another binfmtctl (lock ${join(store, 'lock')})` }),
  });
}
