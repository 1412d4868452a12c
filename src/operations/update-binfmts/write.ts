import { mkdtempSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Description, encodeAdminFile } from '../../formats/binfmt-support.ts';
import { MAX_NAME_SIZE } from '../../rule/check.ts';
import { encodeText } from '../../rule/text.ts';
import { errnoOf } from '../../system/file-error.ts';
import { replaceFile } from '../../system/files.ts';
import { isFolder } from '../../system/is-file.ts';
import { strerror } from '../../system/strerror.ts';
import { adminFile } from './database.ts';
import { pathBytes, reasonOf, type Session } from './session.ts';

/**
 * Writes an admin file whole or not at all. What it is written to first is in a folder, which update-binfmts passes over
 * if it is left behind: a file of the admin directory, of whatever name, is a format.
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
  if (encodeText(name).length + '.tmp'.length > MAX_NAME_SIZE && isFolder(session.adminDirectory))
    return failed(`unable to ensure ${path}.tmp nonexistent: ${strerror('ENAMETOOLONG')}`);
  if (isFolder(path)) return failed(`unable to install ${path}.tmp as ${path}: ${strerror('EISDIR')}`);
  let folder: string;
  try {
    folder = mkdtempSync(`${dirname(path)}/.binfmtctl-`);
  } catch (error) {
    // update-binfmts removes the file first, and fails there already.
    return ['EROFS', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')
      ? failed(`unable to ensure ${path}.tmp nonexistent: ${reasonOf(error)}`)
      : failed(`unable to open ${path}.tmp for writing: ${reasonOf(error)}`);
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
