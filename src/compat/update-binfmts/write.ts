import { lstatSync, mkdtempSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Description, encodeAdminFile } from '../../file-format/binfmt-support.ts';
import { errnoOf } from '../../system/file/file-error.ts';
import { kindOf } from '../../system/file/file-kind.ts';
import { isFolder } from '../../system/file/is-file.ts';
import { listNames } from '../../system/file/list.ts';
import { pathBytes } from '../../system/file/path-bytes.ts';
import { replaceFile } from '../../system/file/write-file.ts';
import { strerror } from '../../system/strerror.ts';
import { adminFile } from './database.ts';
import { reasonOf, type Session } from './session.ts';

/**
 * Writes an admin file atomically. The temporary file is in a subdirectory, which update-binfmts ignores if a kill leaves it
 * behind: it would read any file of the admin directory as a format. Like update-binfmts, removes a NAME.tmp that a crash left.
 *
 * @returns whether the file was written; a failure is printed
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
  // Like update-binfmts, replaces a link, but never a device or pipe.
  const kind = lstatSync(pathBytes(path), { throwIfNoEntry: false });
  if (kind !== undefined && !kind.isFile() && !kind.isSymbolicLink())
    return failed(`unable to install ${path}.tmp as ${path}: it is ${kindOf(kind)}`);
  let folder: string;
  try {
    removeLeftovers(dirname(path));
    folder = mkdtempSync(`${dirname(path)}/${PREFIX}`);
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

const PREFIX = '.binfmtctl-';
/** Longer than the write of one file takes. */
const MAX_AGE_MS = 60_000;

/** Removes directories of killed writers. */
function removeLeftovers(directory: string): void {
  for (const name of listNames(directory).filter((each) => each.startsWith(PREFIX))) {
    const path = `${directory}/${name}`;
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > MAX_AGE_MS) rmSync(path, { recursive: true, force: true });
  }
}
