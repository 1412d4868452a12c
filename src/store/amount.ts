import type { StoredEmulator } from '../emulators/store/store.ts';

/** Emulators of a store, counted. */
export const amountOf = (stored: readonly StoredEmulator[]) => ({
  emulators: stored.length,
  bytes: stored.reduce((sum, { size }) => sum + size, 0),
});
