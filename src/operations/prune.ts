import { pruneStore, type StoredEmulator } from '../emulators/store.ts';
import { isBinfmtctlError } from '../errors.ts';
import { findBootEmulators } from './boot-emulators.ts';
import type { Context } from './context.ts';
import { readAllRegistrations } from './registrations.ts';

/**
 * Removes the emulators from the store that neither a registration nor a boot file names, and returns their files; `spared`
 * stay as well. Removes none while a registration is damaged or a boot file cannot be read: it may name any of them.
 */
export async function pruneUnregistered(
  context: Context,
  spared: readonly StoredEmulator[] = [],
): Promise<readonly string[]> {
  const { store, report } = context;
  const { registrations, damaged } = await readAllRegistrations(store);
  if (damaged.length > 0) return [];
  const atBoot = await findBootEmulators().catch((error: unknown) => {
    if (!isBinfmtctlError(error)) throw error;
    report({ kind: 'warning', text: `no emulator is removed from the store: ${error.message}` });
    return null;
  });
  if (atBoot === null) return [];
  const needed = [...registrations.values()].map(({ registration }) => registration.emulator.sha256);
  const kept = [...needed, ...atBoot, ...spared.map(({ sha256 }) => sha256)];
  const removed = await pruneStore(store, new Set(kept));
  return removed.map(({ path }) => path);
}
