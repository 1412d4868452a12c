import { listStored, removeFromStore } from '../emulators/store.ts';
import type { Context } from './context.ts';
import { readRegistrations } from './registrations.ts';

/** Removes the emulators from the store that no registration names, and returns their files. */
export async function pruneStore({ store }: Context): Promise<readonly string[]> {
  const [stored, registrations] = await Promise.all([listStored(store), readRegistrations(store)]);
  const needed = new Set([...registrations.values()].map(({ registration }) => registration.emulator.sha256));
  const unneeded = stored.filter(({ sha256 }) => !needed.has(sha256));
  await Promise.all(unneeded.map(({ sha256 }) => removeFromStore(store, sha256)));
  return unneeded.map(({ path }) => path);
}
