/**
 * The seal of a journal: its hash, in a file outside the store. Containers that share a store can write its journal with the
 * rights of root, so the owner of the file proves nothing. They cannot write the seal, which is as old as the journal:
 * neither a forged journal nor an old one that is put back passes.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { ensureDirectory, removeFile } from '../system/file/files.ts';
import { readOwnTextIfExists } from '../system/file/read-file.ts';
import { writeAtomic } from '../system/file/write-file.ts';
import { isMachineRoot } from '../system/trust.ts';

/** Whether `text` is the journal that was sealed last for this store. */
export function isSealed(store: string, text: string): boolean {
  return readOwnTextIfExists(sealPath(store)) === `${sha256(text)}\n`;
}

/** Seals the journal of a store. Without a place for the seal the journal only serves the process that writes it. */
export async function seal(store: string, text: string): Promise<void> {
  try {
    await ensureDirectory(sealDirectory());
    await writeAtomic(sealPath(store), `${sha256(text)}\n`, { mode: 0o600 });
  } catch (error) {
    if (!(error instanceof BinfmtctlError)) throw error;
    await removeSeal(store);
  }
}

/** Removes the seal: what is in its place proves nothing any more. */
export async function removeSeal(store: string): Promise<void> {
  await removeFile(sealPath(store)).catch((error: unknown) => {
    if (!(error instanceof BinfmtctlError) || !['READ_ONLY', 'NO_PRIVILEGE'].includes(error.code))
      throw error;
  });
}

const sealPath = (store: string): string =>
  join(sealDirectory(), `.binfmtctl-journal-${sha256(store).slice(0, 16)}`);

/** Beside the default store, not in it; for users where the XDG Base Directory Specification keeps state. */
function sealDirectory(): string {
  if (isMachineRoot()) return '/var/lib';
  const { XDG_STATE_HOME = '', HOME } = process.env;
  return XDG_STATE_HOME.startsWith('/') ? XDG_STATE_HOME : join(HOME || '/', '.local/state');
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
