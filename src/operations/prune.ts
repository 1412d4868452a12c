import { pruneStore, type StoredEmulator } from '../emulators/store.ts';
import type { Context } from './context.ts';
import { readRegistrations } from './registrations.ts';

/** Removes the emulators from the store that no registration names, and returns their files; `spared` stay as well. */
export async function pruneUnregistered(
  { store }: Context,
  spared: readonly StoredEmulator[] = [],
): Promise<readonly string[]> {
  const invalid: string[] = [];
  const registrations = await readRegistrations(store, (path) => invalid.push(path));
  // Which emulator an unreadable registration needs is unknown: all stay.
  if (invalid.length > 0) return [];
  const needed = [...registrations.values()].map(({ registration }) => registration.emulator.sha256);
  const removed = await pruneStore(store, new Set([...needed, ...spared.map(({ sha256 }) => sha256)]));
  return removed.map(({ path }) => path);
}
