import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Context } from '../../context.ts';
import { BinfmtctlError } from '../../errors.ts';
import { errnoOf } from '../../system/file/file-error.ts';
import { readOwnTextIfExists, readOwnTexts } from '../../system/file/read-file.ts';
import { findWeakness, isMachineRoot, type Weakness } from '../../system/trust.ts';

/** Directories within a store. */
const PARTS = ['sha256', 'registrations', 'roots'];

/**
 * Makes sure that root obeys a store only where no other user can change it, and that a user's store belongs to that user
 * or to root. To be called before anything in a store is read or written; a store that does not exist yet counts by the
 * directory that it would be in.
 *
 * @throws STORE_FAILED
 */
export function assertStoreTrusted(store: string): void {
  const weakness = isMachineRoot() ? weaknessOf(store) : foreignOwner(store);
  const found = weakness ?? linkWithin(store);
  if (found === null) return;
  throw new BinfmtctlError('STORE_FAILED', `will not use the store ${store}: ${found.path} ${found.why}`, {
    hint: 'choose a store that other users cannot change: --store DIR',
  });
}

/** The text of a file of a store; null if it does not exist. @throws STORE_FAILED, FILE_FAILED, NO_PRIVILEGE. */
export function readStoreFile(store: string, ...path: readonly string[]): string | null {
  assertStoreTrusted(store);
  return readOwnTextIfExists(join(store, ...path));
}

/** The texts of the files in a folder of a store, by name; none if it does not exist. Throws what `readStoreFile` does. */
export function readStoreFiles(
  store: string,
  folder: string,
  accepts: (name: string) => boolean,
): ReadonlyMap<string, string> {
  assertStoreTrusted(store);
  return readOwnTexts(join(store, folder), accepts);
}

/** Whether containers share this store: then its files may be another container's, and prove nothing. */
export const isSharedStore = ({ inImage }: Pick<Context, 'inImage'>): boolean => inImage === true;

function weaknessOf(
  path: string,
  { asParent = false }: { readonly asParent?: boolean | undefined } = {},
): Weakness | null {
  try {
    return findWeakness(path, { asParent });
  } catch (error) {
    const parent = dirname(path);
    if (parent === path || !['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return null;
    return weaknessOf(parent, { asParent: true });
  }
}

function foreignOwner(store: string): Weakness | null {
  const facts = tryLstat(store);
  if (facts === null || [0, process.geteuid?.()].includes(facts.uid)) return null;
  return { path: store, why: `belongs to user ${facts.uid}` };
}

function linkWithin(store: string): Weakness | null {
  const links = PARTS.map((name) => join(store, name)).filter((path) => tryLstat(path)?.isSymbolicLink());
  return links[0] === undefined ? null : { path: links[0], why: 'is a symbolic link' };
}

function tryLstat(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}
