import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';
import { readLinkage } from '../elf/linkage.ts';
import type { Memo } from '../emulators/memo.ts';
import { isBinfmtctlError } from '../errors.ts';
import { fileIdentity, sha256File } from '../system/file/files.ts';
import type { Proof } from './verdict.ts';

/** The program that actually runs for an entry, inspected while a probe waits. */
export interface Running {
  /** Its path according to the kernel; the file may have been deleted. */
  readonly path: string;
  /** Hashes the program, then closes it. */
  readonly identify: (memo: Memo) => Promise<Identity>;
}

export type Identity = NonNullable<Proof['emulator']>;

/**
 * Opens the program of a running process. With F, it can differ from the file at its path. Null if the process has
 * exited or belongs to another user.
 */
export function holdRunning(pid: number): Running | null {
  try {
    const path = readlinkSync(`/proc/${pid}/exe`);
    const file = openSync(`/proc/${pid}/exe`, 'r');
    return { path, identify: (memo) => identify(path, file, memo) };
  } catch {
    return null;
  }
}

async function identify(path: string, file: number, memo: Memo): Promise<Identity> {
  const open = `/proc/self/fd/${file}`;
  try {
    const identity = await fileIdentity(open);
    // Only uses the version of the memo. The hash is part of the proof, and other users may be able to write the memo.
    const sha256 = await sha256File(open);
    const cached = memo.recall(identity);
    const known = { sha256, version: cached?.sha256 === sha256 ? cached.version : null };
    memo.record(identity, known);
    return { path, ...known, loader: await loaderOf(file) };
  } finally {
    closeSync(file);
  }
}

/** The loader of a running program; null if it is static. */
async function loaderOf(file: number): Promise<string | null> {
  const readAt = async (offset: number, length: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
  };
  try {
    return (await readLinkage(readAt)).interpreter;
  } catch (error) {
    // The program is not ELF.
    if (isBinfmtctlError(error)) return null;
    throw error;
  }
}
