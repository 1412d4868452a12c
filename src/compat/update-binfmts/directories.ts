/** The directories of Debian's package binfmt-support. Without the package they may be missing, and count as empty. */
import { chmodSync, mkdirSync } from 'node:fs';
import { errnoOf } from '../../system/file/file-error.ts';
import { listNames } from '../../system/file/list.ts';

export const ADMIN_DIRECTORY = '/var/lib/binfmts';
export const IMPORT_DIRECTORY = '/usr/share/binfmts';

const isDefault = (directory: string): boolean => [ADMIN_DIRECTORY, IMPORT_DIRECTORY].includes(directory);

/** Names of all files and directories, in the order of the directory. Errors are Node's own. */
export function namesInDirectory(directory: string): readonly string[] {
  try {
    return listNames(directory);
  } catch (error) {
    if (isDefault(directory) && errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Makes the default directory, with the permissions that the package gives it. Errors are Node's own. */
export function ensureDefaultDirectory(directory: string): void {
  if (!isDefault(directory)) return;
  try {
    mkdirSync(directory);
    chmodSync(directory, 0o755);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}
