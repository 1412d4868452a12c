import { accessSync, constants } from 'node:fs';
import type { Context } from '../context.ts';
import { defaultStore } from '../emulators/store/location.ts';
import { isBinfmtctlError } from '../errors.ts';
import { errnoOf } from '../system/file/file-error.ts';

/** The machine's store, for a user who has not named another; null for root, whose own it is. */
export function otherStore({ store }: Pick<Context, 'store'>): string | null {
  const uid = process.geteuid?.() ?? 0;
  return uid !== 0 && store === defaultStore(process.env, uid) ? defaultStore(process.env, 0) : null;
}

/** Why a user cannot read the machine's store; null if there is no obstacle. */
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
 * Reads our store, and the machine's after it for users; the latter counts as empty if root has closed it to users.
 *
 * @throws what `read` throws.
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
