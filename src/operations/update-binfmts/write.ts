import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Description, encodeAdminFile } from '../../formats/binfmt-support.ts';
import { errnoOf } from '../../system/file-error.ts';
import { replaceFile } from '../../system/files.ts';
import { isFolder } from '../../system/is-file.ts';
import { strerror } from '../../system/strerror.ts';
import { adminFile } from './database.ts';
import { pathBytes, reasonOf, type Session } from './session.ts';

/**
 * Writes an admin file whole or not at all. What it is written to first is in a folder, which update-binfmts passes over
 * if it is left behind: a file of the admin directory, of whatever name, is a format. NAME.tmp, which update-binfmts leaves
 * where it crashes, goes as it does there.
 *
 * @returns whether it is there; a failure was said.
 */
export async function writeDescription(
  session: Session,
  name: string,
  description: Description,
): Promise<boolean> {
  const path = adminFile(session, name);
  const failed = (what: string): boolean => {
    session.warn(what);
    return false;
  };
  try {
    unlinkSync(pathBytes(`${path}.tmp`));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT')
      return failed(`unable to ensure ${path}.tmp nonexistent: ${reasonOf(error)}`);
  }
  if (isFolder(path)) return failed(`unable to install ${path}.tmp as ${path}: ${strerror('EISDIR')}`);
  let folder: string;
  try {
    folder = mkdtempSync(`${dirname(path)}/.binfmtctl-`);
  } catch (error) {
    return failed(`unable to open ${path}.tmp for writing: ${reasonOf(error)}`);
  }
  try {
    const mode = 0o666 & ~process.umask();
    await replaceFile(pathBytes(path), encodeAdminFile(description), mode, `${folder}/new`);
    return true;
  } catch (error) {
    return failed(`unable to install ${path}.tmp as ${path}: ${reasonOf(error)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
