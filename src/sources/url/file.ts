import { constants, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { BinfmtctlError, interrupted } from '../../errors.ts';
import { errnoOf, fileError } from '../../system/file/file-error.ts';
import { kindOf } from '../../system/file/file-kind.ts';
import { requireSame, writeHashed } from '../../system/file/integrity.ts';
import { requireTrusted } from '../../system/require-trusted.ts';
import type { FetchOptions } from '../types.ts';

/**
 * Copies a local file into `file`, where other users cannot change it, and returns its digest as `sha256:…`.
 *
 * @throws BAD_SOURCE if it is not a regular file; BAD_PACKAGE if its digest is wrong; EMULATOR_UNFIT if no sha256 is
 * given and other users can change it; FILE_FAILED, NO_PRIVILEGE; INTERRUPTED. `file` is removed then.
 */
export async function copyFile(
  path: string,
  sha256: string | null,
  file: string,
  { signal }: FetchOptions,
): Promise<string> {
  // Opening a pipe or a device has side effects.
  requireFile(path, await inFile(path, () => stat(path)));
  if (sha256 === null) await requireTrusted(path, { anyOwner: true, as: 'source' });
  await using from = await inFile(path, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  requireFile(path, await inFile(path, () => from.stat()));
  const buffer = Buffer.alloc(1 << 18);
  let digest = '';
  await writeHashed(file, async (hashed) => {
    for (let read = -1; read !== 0; ) {
      if (signal.aborted) throw interrupted(signal, 'fetching');
      read = (await inFile(path, () => from.read(buffer, 0, buffer.length, null))).bytesRead;
      await hashed.write(buffer.subarray(0, read));
    }
    digest = hashed.digest();
    if (sha256 !== null) requireSame(path, digest, `sha256:${sha256}`);
  });
  return digest;
}

function requireFile(path: string, facts: Stats): void {
  if (!facts.isFile()) throw notFile(path, `it is ${kindOf(facts)}`);
}

async function inFile<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const isAbsent = ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
    throw isAbsent ? notFile(path, 'no such file', error) : fileError(error, `read ${path}`);
  }
}

const notFile = (path: string, why: string, cause?: unknown): BinfmtctlError =>
  new BinfmtctlError('BAD_SOURCE', `cannot read ${path}: ${why}`, {
    hint: 'use url:file:///PATH for an emulator, tar archive or Debian package (write % as %25), dir:DIR for a directory',
    cause,
  });
