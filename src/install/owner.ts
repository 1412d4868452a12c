import { findArch } from '../catalogue/resolve.ts';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { isGlob, matchesGlob } from '../rule/glob.ts';
import { readRegistrations } from '../state/registrations.ts';
import { closedStore, fromReadableStores, otherStore } from '../state/stores.ts';

interface OwnerRequest {
  readonly names: readonly string[];
  readonly all: boolean;
}

/** @throws NO_PRIVILEGE if one of the entries was registered by root, in the machine's store. */
export async function requireOwner({ names, all }: OwnerRequest, context: Context): Promise<void> {
  if (otherStore(context) === null) return;
  const [own, others] = await fromReadableStores(context, (store) => readRegistrations(store));
  const isNamed = (name: string, arch: string): boolean =>
    all ||
    names.some((word) =>
      isGlob(word) ? matchesGlob(word, name) : [name, arch].includes(word) || isArch(word, arch),
    );
  const isArch = (word: string, id: string): boolean => {
    try {
      return findArch(context.catalogue, word).id === id;
    } catch {
      return false;
    }
  };
  const found = [...(others ?? [])].find(
    ([name, { registration }]) => !own?.has(name) && isNamed(name, registration.arch),
  );
  const hint = `run \`sudo binfmtctl uninstall ${all ? '--all' : names.join(' ')}\``;
  if (found !== undefined)
    throw new BinfmtctlError('NO_PRIVILEGE', `cannot unregister ${found[0]}: root registered it`, { hint });
  const closed = closedStore(context);
  const isOwn = [...(own ?? [])].some(([name, { registration }]) => isNamed(name, registration.arch));
  if (closed === null || isOwn) return;
  throw new BinfmtctlError('NO_PRIVILEGE', `cannot determine which entries root registered: ${closed}`, {
    hint,
  });
}
