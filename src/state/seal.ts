/**
 * The seal of a journal: its hash, in a file outside the store. Containers that share a store can write its journal as root,
 * so the owner of the file proves nothing. They cannot write the seal. It changes with each journal, so it rejects
 * both a forged journal and a restored old one.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { ensureDirectory, removeFile } from '../system/file/files.ts';
import { readOwnTextIfExists } from '../system/file/read-file.ts';
import { writeAtomic } from '../system/file/write-file.ts';
import { isMachineRoot } from '../system/trust.ts';

/** Whether `text` is the last sealed journal of this store. */
export function isSealed(store: string, text: string): boolean {
  return readOwnTextIfExists(sealPath(store)) === `${sha256(text)}\n`;
}

/** Seals the journal of a store. If the seal cannot be written, later runs ignore the journal. */
export async function seal(store: string, text: string): Promise<void> {
  try {
    await ensureDirectory(sealDirectory());
    await writeAtomic(sealPath(store), `${sha256(text)}\n`, { mode: 0o600 });
  } catch (error) {
    if (!(error instanceof BinfmtctlError)) throw error;
    await removeSeal(store);
  }
}

/** Removes the seal, so that no journal is accepted. */
export async function removeSeal(store: string): Promise<void> {
  await removeFile(sealPath(store)).catch((error: unknown) => {
    if (!(error instanceof BinfmtctlError) || !['READ_ONLY', 'NO_PRIVILEGE'].includes(error.code))
      throw error;
  });
}

const sealPath = (store: string): string =>
  join(sealDirectory(), `.binfmtctl-journal-${sha256(store).slice(0, 16)}`);

/** Beside the default store, not in it; for users, the state directory of the XDG Base Directory Specification. */
function sealDirectory(): string {
  if (isMachineRoot()) return '/var/lib';
  const { XDG_STATE_HOME = '', HOME } = process.env;
  return XDG_STATE_HOME.startsWith('/') ? XDG_STATE_HOME : join(HOME || '/', '.local/state');
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
