import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';
import { readLinkage } from '../elf/linkage.ts';
import type { Memo } from '../emulators/memo.ts';
import { isBinfmtctlError } from '../errors.ts';
import { decodeText } from '../rule/text.ts';
import { fileIdentity, sha256File } from '../system/file/files.ts';
import type { Proof } from './verdict.ts';

/** The program that really runs behind an entry, seen while a probe waits. */
export interface Running {
  /** Its path as the kernel gives it, which may be gone from the disk. */
  readonly path: string;
  /** Hashes its bytes and lets it go. */
  readonly identify: (memo: Memo) => Promise<Identity>;
}

export type Identity = NonNullable<Proof['emulator']>;

/**
 * Holds on to the program of a running process: with F it need not be the file that is at its path now. Null where
 * the process has ended, or belongs to another user.
 */
export function holdRunning(pid: number): Running | null {
  try {
    const path = decodeText(readlinkSync(`/proc/${pid}/exe`, 'buffer'));
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
    // Of the memo only the version is taken: the hash is part of the proof, and others may have written the memo.
    const sha256 = await sha256File(open);
    const cached = memo.recall(identity);
    const known = { sha256, version: cached?.sha256 === sha256 ? cached.version : null };
    memo.record(identity, known);
    return { path, ...known, loader: await loaderOf(file) };
  } finally {
    closeSync(file);
  }
}

/** The loader of a program that runs; null for a static one. */
async function loaderOf(file: number): Promise<string | null> {
  const readAt = async (offset: number, length: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
  };
  try {
    return (await readLinkage(readAt)).interpreter;
  } catch (error) {
    // Another format that the kernel runs.
    if (isBinfmtctlError(error)) return null;
    throw error;
  }
}
