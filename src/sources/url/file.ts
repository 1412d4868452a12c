import { constants, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { BinfmtctlError, interrupted } from '../../errors.ts';
import { errnoOf, fileError } from '../../system/file/file-error.ts';
import { kindOf } from '../../system/file/file-kind.ts';
import { requireSame, writeHashed } from '../../system/file/integrity.ts';
import { requireTrusted } from '../../system/require-trusted.ts';
import type { FetchOptions } from '../types.ts';

/**
 * Copies a file of this machine to `file`, so that nobody can change it any more, and returns its sha256 as `sha256:…`.
 *
 * @throws BAD_SOURCE for what is no file; BAD_PACKAGE for other bytes; EMULATOR_UNFIT for one that is not verified and that
 * others can change; FILE_FAILED, NO_PRIVILEGE; INTERRUPTED; nothing is left then.
 */
export async function copyFile(
  path: string,
  sha256: string | null,
  file: string,
  { signal }: FetchOptions,
): Promise<string> {
  // A pipe or a device is not even opened.
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
  if (!facts.isFile()) throw noFile(path, `it is ${kindOf(facts)}`);
}

async function inFile<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const isAbsent = ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
    throw isAbsent ? noFile(path, 'no such file', error) : fileError(error, `read ${path}`);
  }
}

const noFile = (path: string, why: string, cause?: unknown): BinfmtctlError =>
  new BinfmtctlError('BAD_SOURCE', `${path} cannot be the source: ${why}`, {
    hint: 'url:file:///PATH names an emulator, a tar archive or a Debian package, with %25 for each % of its name; dir:DIR names a folder',
    cause,
  });
