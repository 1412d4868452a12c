import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Context } from '../../context.ts';
import { BinfmtctlError } from '../../errors.ts';
import { errnoOf } from '../../system/file/file-error.ts';
import { readOwnTextIfExists, readOwnTexts } from '../../system/file/read-file.ts';
import { findWeakness, isMachineRoot, type Weakness } from '../../system/trust.ts';

/** The directories of a store. */
const PARTS = ['sha256', 'registrations', 'roots'];

/**
 * Checks that no other user can change root's store, and that a user's store belongs to that user or to root. Call this before
 * reading or writing anything in a store. For a store that does not exist, it checks the nearest existing directory.
 *
 * @throws STORE_FAILED
 */
export function assertStoreTrusted(store: string): void {
  const weakness = isMachineRoot() ? weaknessOf(store) : foreignOwner(store);
  const found = weakness ?? linkWithin(store);
  if (found === null) return;
  throw new BinfmtctlError('STORE_FAILED', `unsafe store ${store}: ${found.path} ${found.why}`, {
    hint: 'use --store DIR with a directory that other users cannot change',
  });
}

/** Reads a text file of a store; null if it does not exist. @throws STORE_FAILED, FILE_FAILED, NO_PRIVILEGE. */
export function readStoreFile(store: string, ...path: readonly string[]): string | null {
  assertStoreTrusted(store);
  return readOwnTextIfExists(join(store, ...path));
}

/** Reads the text files in a directory of a store, by name; empty if it does not exist. Throws what `readStoreFile` does. */
export function readStoreFiles(
  store: string,
  directory: string,
  accepts: (name: string) => boolean,
): ReadonlyMap<string, string> {
  assertStoreTrusted(store);
  return readOwnTexts(join(store, directory), accepts);
}

/** Whether containers share this store, so that its files may belong to another container and prove nothing. */
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
