import type { Context } from '../context.ts';
import { listStored, pruneStore, type StoredEmulator } from '../emulators/store/store.ts';
import { findEmulatorUsers } from './emulator-users.ts';

/**
 * Removes the emulators that no registration, entry, boot file or process needs, except `spared`, and returns them. If
 * the users of emulators cannot be determined, warns and removes nothing.
 */
export async function pruneUnregistered(
  context: Context,
  spared: readonly StoredEmulator[] = [],
): Promise<readonly StoredEmulator[]> {
  const before = new Set((await listStored(context.store)).map(({ sha256 }) => sha256));
  const { users, unknown } = await findEmulatorUsers(context);
  if (unknown !== null) {
    context.report({ kind: 'warning', text: `kept all emulators in the store: ${unknown}` });
    return [];
  }
  const kept = new Set([...users.keys(), ...spared.map(({ sha256 }) => sha256)]);
  // Emulators added meanwhile may be about to be used.
  const has = (sha256: string): boolean => kept.has(sha256) || !before.has(sha256);
  return pruneStore(context.store, { has });
}

/** The emulators that `pruneUnregistered` would remove. */
export async function listUnregistered(context: Context): Promise<readonly StoredEmulator[]> {
  const stored = await listStored(context.store);
  if (stored.length === 0) return [];
  const { users, unknown } = await findEmulatorUsers(context);
  return unknown === null ? stored.filter(({ sha256 }) => !users.has(sha256)) : [];
}
