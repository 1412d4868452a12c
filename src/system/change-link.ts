/** Changes of symbolic links. Nothing but a symbolic link is ever replaced or removed. */
import { rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { fileError } from './file/file-error.ts';
import { removeFile } from './file/files.ts';
import { pathBytes } from './file/path-bytes.ts';
import { syncDirectory } from './file/write-file.ts';
import { readLink } from './symbolic-link.ts';
import { temporaryFileName } from './temporary.ts';

/** A link that is to lead to `target`, and where it leads now; null for no link. */
export interface LinkChange {
  readonly path: string;
  readonly target: string | null;
  readonly previous: string | null;
}

/**
 * Creates, replaces or removes a link. A program that opens it finds the old target or the new one.
 *
 * @throws FILE_FAILED if `previous` is not there, NO_PRIVILEGE, READ_ONLY.
 */
export async function changeLink({ path, target, previous }: LinkChange): Promise<void> {
  const what = `${target === null ? 'remove' : 'create'} the link ${path}`;
  if (readLink(path) !== previous) {
    throw new BinfmtctlError('FILE_FAILED', `cannot ${what}: another program changed it`, {
      hint: 'run the command again',
    });
  }
  try {
    if (target === null) await rm(pathBytes(path));
    else if (previous === null) await symlink(pathBytes(target), pathBytes(path));
    else await replaceLink(path, target);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw fileError(error, what);
  }
}

async function replaceLink(path: string, target: string): Promise<void> {
  const temporary = join(dirname(path), temporaryFileName());
  await symlink(pathBytes(target), pathBytes(temporary));
  try {
    await rename(pathBytes(temporary), pathBytes(path));
  } catch (error) {
    await removeFile(temporary).catch(() => {});
    throw error;
  }
}
