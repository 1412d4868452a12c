import type { StoredEmulator } from '../emulators/store/store.ts';

/** Emulators of a store: how many, and how large they are together. */
export interface StoredAmount {
  readonly emulators: number;
  readonly bytes: number;
}

export const amountOf = (stored: readonly StoredEmulator[]): StoredAmount => ({
  emulators: stored.length,
  bytes: stored.reduce((sum, { size }) => sum + size, 0),
});
