import { isBinfmtctlError } from '../../errors.ts';
import { decodeFormatFile, describeFormatFile, LOCAL_PACKAGE } from '../../file-format/binfmt-support.ts';
import { RESERVED_NAMES } from '../../rule/check.ts';
import { failedToRead } from '../../system/file/file-error.ts';
import { isExecutable, isFile } from '../../system/file/is-file.ts';
import { readSmall } from '../../system/file/read-small.ts';
import { tryReadDescription } from './database.ts';
import { namesInDirectory } from './directories.ts';
import { install, remove } from './install.ts';
import { reasonOf, type Session } from './session.ts';

/** Names that no format may have: files of binfmt_misc, and folders. */
export const RESERVED: readonly string[] = ['.', '..', ...RESERVED_NAMES];

/**
 * Installs what a format file says. The kernel is told only where binfmt_misc is mounted already.
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
  // As update-binfmts: that another package owns it, or that the kernel refuses it, fails no package's script.
  await install(session, name, description, { enables });
  return true;
}

/** Removes what a format file names, where its package has installed it. */
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

/** Every file of the import directory, in its own order; goes on after a failure. */
export async function forAllFiles(
  session: Session,
  action: (session: Session, word: string) => boolean | Promise<boolean>,
): Promise<boolean> {
  const { importDirectory, warn } = session;
  let success = true;
  let names: readonly string[];
  try {
    names = namesInDirectory(importDirectory);
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

/** A word with a slash is a path. */
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
    // What can be opened and not read is empty to stdio, a folder for one.
    if (!failedToRead(error)) warn(`unable to open ${path}: ${reasonOf(error)}`);
    return new Map();
  }
}

function isLocal(session: Session, name: string): boolean {
  const local = tryReadDescription(session, name)?.package === LOCAL_PACKAGE;
  if (local) session.warn(`preserving local changes to ${name}`);
  return local;
}
