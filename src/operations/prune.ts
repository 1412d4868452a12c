import { pruneStore, type StoredEmulator } from '../emulators/store.ts';
import type { Context } from './context.ts';
import { readAllRegistrations } from './registrations.ts';

/**
 * Removes the emulators from the store that no registration names, and returns their files; `spared` stay as well. Removes
 * none while a registration is damaged: any of them may be the one that it names.
 */
export async function pruneUnregistered(
  { store }: Context,
  spared: readonly StoredEmulator[] = [],
): Promise<readonly string[]> {
  const { registrations, damaged } = await readAllRegistrations(store);
  if (damaged.length > 0) return [];
  const needed = [...registrations.values()].map(({ registration }) => registration.emulator.sha256);
  const removed = await pruneStore(store, new Set([...needed, ...spared.map(({ sha256 }) => sha256)]));
  return removed.map(({ path }) => path);
}
