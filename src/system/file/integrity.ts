import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { BinfmtctlError } from '../../errors.ts';
import { countStreamed } from '../memory.ts';
import { fileError } from './file-error.ts';

const HINT = 'run the command again; if it fails again, do not trust the source';

/** The expected digest and size of some bytes. */
export interface Expected {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** @throws BAD_PACKAGE if bytes have another digest or size than expected. */
export function requireDigest(what: string, bytes: Uint8Array, { digest, size }: Expected): void {
  if (bytes.length !== size) throw corrupt(`${what} has ${bytes.length} bytes, not ${size}`);
  requireSame(what, digestOf(bytes), digest);
}

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export function requireSame(what: string, actual: string, expected: string): void {
  if (actual !== expected) throw corrupt(`${what} has the digest ${actual}, not ${expected}`);
}

export const corrupt = (why: string, cause?: unknown): BinfmtctlError =>
  new BinfmtctlError('BAD_PACKAGE', why, { hint: HINT, cause });

/** Adds the name of an image or archive to BAD_PACKAGE errors that lack it. */
export async function withArchiveName<T>(name: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof BinfmtctlError) || error.code !== 'BAD_PACKAGE' || error.message.includes(name))
      throw error;
    throw new BinfmtctlError(error.code, `${name}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

/** A file that is hashed as it is written. */
export interface HashedFile {
  readonly size: () => number;
  readonly write: (chunk: Uint8Array) => Promise<void>;
  /** Truncates the file and starts over. */
  readonly restart: () => Promise<void>;
  readonly digest: () => string;
}

/** Creates a file that `fill` writes, and removes it if `fill` fails. @throws FILE_FAILED, READ_ONLY, NO_PRIVILEGE. */
export async function writeHashed(path: string, fill: (file: HashedFile) => Promise<void>): Promise<void> {
  const writing = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw fileError(error, `write ${path}`);
    }
  };
  const handle = await writing(() => open(path, 'w', 0o600));
  try {
    await fill(hashedFile(handle, writing));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

function hashedFile(handle: FileHandle, writing: <T>(action: () => Promise<T>) => Promise<T>): HashedFile {
  let size = 0;
  let hash: Hash = createHash('sha256');
  return {
    size: () => size,
    write: async (chunk) => {
      hash.update(chunk);
      await writing(() => handle.writev([chunk], size));
      size += chunk.length;
      countStreamed(chunk.length);
    },
    restart: async () => {
      await writing(() => handle.truncate(0));
      size = 0;
      hash = createHash('sha256');
    },
    digest: () => `sha256:${hash.copy().digest('hex')}`,
  };
}
