import { join } from 'node:path';
import type { Context } from '../context.ts';
import { assertStoreTrusted } from '../emulators/store/trust.ts';
import { ensureDirectory } from '../system/file/files.ts';
import { withLock } from '../system/lock.ts';

/** Downloads run under the lock, so the limit exceeds the time of most downloads. */
const TIMEOUT_MS = 600_000;

/** Runs `action` while no other binfmtctl process uses the same store for changes. @throws STORE_FAILED, LOCKED. */
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
      report({
        kind: 'warning',
        text: `waiting for another binfmtctl process (lock file ${join(store, 'lock')})`,
      }),
  });
}
