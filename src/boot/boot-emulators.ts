import { isBinfmtctlError } from '../errors.ts';
import { decodeText } from '../rule/text.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import { listFiles } from '../system/file/files.ts';
import { readSmall } from '../system/file/read-small.ts';
import { BINFMT_D } from './binfmt-d-files.ts';
import { BOOT_DIRECTORIES } from './paths.ts';

/**
 * Returns the sha256 of each stored emulator that a boot file names, including boot files of other programs.
 *
 * @throws FILE_FAILED, NO_PRIVILEGE if a file or directory cannot be read.
 */
export async function findBootEmulators(): Promise<ReadonlySet<string>> {
  const directories = [...new Set([...BINFMT_D, ...BOOT_DIRECTORIES])];
  const files = await Promise.all(directories.map((directory) => listFiles(directory)));
  const read = files.flat().filter((path) => path.endsWith('.conf') || !path.includes('/binfmt.d/'));
  return new Set(read.flatMap((path) => [...textOf(path).matchAll(STORED)].map(([, sha256 = '']) => sha256)));
}

const STORED = /\/sha256\/([0-9a-f]{64})\//g;

/** Empty for a directory or a dangling link, which the boot services ignore. */
function textOf(path: string): string {
  try {
    return decodeText(readSmall(path));
  } catch (error) {
    if (isBinfmtctlError(error)) throw error;
    if (['ENOENT', 'EISDIR'].includes(errnoOf(error) ?? '')) return '';
    throw fileError(error, `read ${path}`);
  }
}
