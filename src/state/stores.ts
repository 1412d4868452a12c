import { accessSync, constants } from 'node:fs';
import type { Context } from '../context.ts';
import { defaultStore } from '../emulators/store/location.ts';
import { isBinfmtctlError } from '../errors.ts';
import { errnoOf } from '../system/file/file-error.ts';

/** The machine's store, for a user with the default store; null for root, and with `--store`. */
export function otherStore({ store }: Pick<Context, 'store'>): string | null {
  const uid = process.geteuid?.() ?? 0;
  return uid !== 0 && store === defaultStore(process.env, uid) ? defaultStore(process.env, 0) : null;
}

/** Why a user cannot read the machine's store; null if the store is readable. */
export function closedStore(context: Pick<Context, 'store'>): string | null {
  const machine = otherStore(context);
  if (machine === null) return null;
  for (const path of [machine, `${machine}/registrations`, `${machine}/proofs.json`]) {
    try {
      accessSync(path, constants.R_OK);
    } catch (error) {
      if (errnoOf(error) === 'EACCES') return `cannot read ${path}: permission denied`;
    }
  }
  return null;
}

/**
 * Reads the user's store and then, for users other than root, the machine's store. Skips the latter if users may not read it.
 *
 * @throws any error of `read`.
 */
export async function fromReadableStores<T>(
  context: Pick<Context, 'store'>,
  read: (store: string) => T | Promise<T>,
): Promise<readonly T[]> {
  const own = await read(context.store);
  const machine = otherStore(context);
  try {
    return machine === null ? [own] : [own, await read(machine)];
  } catch (error) {
    if (!isBinfmtctlError(error) || error.code !== 'NO_PRIVILEGE') throw error;
    return [own];
  }
}
