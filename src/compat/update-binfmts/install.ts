import { rmSync } from 'node:fs';
import { BinfmtctlError } from '../../errors.ts';
import { type Description, FIELDS, LOCAL_PACKAGE } from '../../file-format/binfmt-support.ts';
import { pathBytes } from '../../system/file/path-bytes.ts';
import { adminFile, isInstalled, tryReadDescription } from './database.ts';
import { disable } from './disable.ts';
import { enable, requireSafe } from './enable.ts';
import { reasonOf, type Session } from './session.ts';
import { writeDescription } from './write.ts';

/**
 * Writes the admin file of a format and, with `enables`, registers it instead of its previous version. Keeps the admin file
 * if the kernel refuses the format, but does not write an unsafe one.
 *
 * @throws UNSAFE_RULE; BAD_RULE for a value with a newline, because each value is one line of the file.
 */
export async function install(
  session: Session,
  name: string,
  description: Description,
  { enables }: { readonly enables: boolean },
): Promise<boolean> {
  const { test, warn, print } = session;
  const withNewline = FIELDS.map((field) => description[field]).find((value) => value.includes('\n'));
  if (withNewline !== undefined)
    throw new BinfmtctlError('BAD_RULE', `newlines prohibited in binfmt files (${withNewline})`);
  const conflict = otherOwner(tryReadDescription(session, name), description.package);
  if (conflict !== null) {
    warn(conflict);
    return false;
  }
  if (enables) await requireSafe(session, name, description);
  if (isInstalled(session, name) && !disable(session, name)) {
    warn(`unable to disable binary format ${name}`);
    return false;
  }
  if (test) print(textOf(description));
  else if (!(await writeDescription(session, name, description))) return false;
  if (!enables || (await enable(session, name, description))) return true;
  warn(`unable to enable binary format ${name}`);
  return false;
}

/** Removes the entry and the admin file of a format if `packageName` owns it. Succeeds for other owners, too. */
export function remove(session: Session, name: string, packageName: string): boolean {
  const { test, warn, print } = session;
  const path = adminFile(session, name);
  if (!isInstalled(session, name)) {
    warn(`${path} does not exist; nothing to do!`);
    return true;
  }
  const conflict = otherOwner(tryReadDescription(session, name), packageName);
  if (conflict !== null) {
    warn(`${conflict}; not removing.`);
    return true;
  }
  if (!disable(session, name)) {
    warn(`unable to disable binary format ${name}`);
    return false;
  }
  if (test) {
    print(`remove ${path}`);
    return true;
  }
  try {
    rmSync(pathBytes(path));
    return true;
  } catch (error) {
    warn(`unable to remove ${path}: ${reasonOf(error)}`);
    return false;
  }
}

/** The message for a format that belongs to another package; null if it does not. */
function otherOwner(installed: Description | null, packageName: string): string | null {
  if (installed === null || installed.package === packageName) return null;
  const shown = (owner: string): string => (owner === LOCAL_PACKAGE ? '<local>' : owner);
  return `current package is ${shown(packageName)}, but binary format already installed by ${shown(installed.package)}`;
}

function textOf(description: Description): string {
  const lines = FIELDS.map((field) => `${field.padStart(12)} = ${description[field]}\n`);
  return `install the following binary format description:\n${lines.join('')}`;
}
