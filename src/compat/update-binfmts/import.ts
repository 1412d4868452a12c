import { isBinfmtctlError } from '../../errors.ts';
import { decodeFormatFile, describeFormatFile, LOCAL_PACKAGE } from '../../file-format/binfmt-support.ts';
import { RESERVED_NAMES } from '../../rule/check.ts';
import { failedToRead } from '../../system/file/file-error.ts';
import { isExecutable, isFile } from '../../system/file/is-file.ts';
import { listNames } from '../../system/file/list.ts';
import { readSmall } from '../../system/file/read-small.ts';
import { tryReadDescription } from './database.ts';
import { install, remove } from './install.ts';
import { reasonOf, type Session } from './session.ts';

/** Reserved names of formats: control files of binfmt_misc, and directories. */
export const RESERVED: readonly string[] = ['.', '..', ...RESERVED_NAMES];

/**
 * Installs the format of a format file. Registers it only if binfmt_misc is already mounted.
 *
 * @throws UNSAFE_RULE, BAD_RULE.
 */
export async function importFormat(session: Session, word: string): Promise<boolean> {
  const found = open(session, word, 'import');
  if (found === null) return false;
  const { name, path, file } = found;
  const { warn, context } = session;
  if (isLocal(session, name)) return true;
  if (!file.has('package')) {
    warn(`${path}: required 'package' line missing`);
    return false;
  }
  const interpreter = file.get('interpreter') ?? '';
  if (!isExecutable(interpreter))
    warn(`${path}: no executable ${interpreter || '(null)'} found, but continuing anyway as you request`);
  const description = describeFormatFile(file);
  if (typeof description === 'string') {
    warn(`${path}: ${description}`);
    return false;
  }
  const enables = isFile(`${context.binfmtDirectory}/register`);
  // Like update-binfmts, ignores a failure: another owner or a refusal by the kernel must not fail a package's script.
  await install(session, name, description, { enables });
  return true;
}

/** Removes the format of a format file, if its package installed it. */
export function unimportFormat(session: Session, word: string): boolean {
  const found = open(session, word, 'unimport');
  if (found === null) return false;
  const { name, path, file } = found;
  if (isLocal(session, name)) return true;
  if (tryReadDescription(session, name) === null) return true;
  const owner = file.get('package') ?? null;
  if (owner !== null) return remove(session, name, owner);
  session.warn(`${path}: required 'package' line missing`);
  return false;
}

/** Runs an action for every file of the import directory, in directory order. Continues after a failure. */
export async function forAllFiles(
  session: Session,
  action: (session: Session, word: string) => boolean | Promise<boolean>,
): Promise<boolean> {
  const { importDirectory, warn } = session;
  let success = true;
  let names: readonly string[];
  try {
    names = listNames(importDirectory);
  } catch (error) {
    warn(`unable to open ${importDirectory}: ${reasonOf(error)}`);
    return false;
  }
  for (const name of names.filter((each) => isFile(`${importDirectory}/${each}`))) {
    try {
      if (!(await action(session, name))) success = false;
    } catch (error) {
      if (!isBinfmtctlError(error)) throw error;
      warn(error.message);
      success = false;
    }
  }
  return success;
}

interface FormatFile {
  readonly name: string;
  readonly path: string;
  readonly file: ReadonlyMap<string, string | null>;
}

/** Reads the format file of a name, or of a path, which contains a slash. */
function open(session: Session, word: string, mode: 'import' | 'unimport'): FormatFile | null {
  const { warn, importDirectory } = session;
  const path = word.includes('/') ? word : `${importDirectory}/${word}`;
  const name = word.slice(word.lastIndexOf('/') + 1);
  if (RESERVED.includes(name)) {
    warn(`binary format name '${name}' is reserved`);
    return null;
  }
  const file = read(session, path);
  if (file.size > 0) return { name, path, file };
  warn(`couldn't find information about '${name}' to ${mode}`);
  return null;
}

function read({ warn }: Session, path: string): ReadonlyMap<string, string | null> {
  try {
    return decodeFormatFile(readSmall(path));
  } catch (error) {
    // stdio reads a directory as an empty file.
    if (!failedToRead(error)) warn(`unable to open ${path}: ${reasonOf(error)}`);
    return new Map();
  }
}

function isLocal(session: Session, name: string): boolean {
  const local = tryReadDescription(session, name)?.package === LOCAL_PACKAGE;
  if (local) session.warn(`preserving local changes to ${name}`);
  return local;
}
