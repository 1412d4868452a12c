import { type Description, FIELDS, LOCAL_PACKAGE } from '../../file-format/binfmt-support.ts';
import { isInstalled, readDatabase, readDescription } from './database.ts';
import { isRegistered, type Session } from './session.ts';

const SHOWN = FIELDS.slice(0, FIELDS.indexOf('credentials'));

/** Prints one installed format. */
export function display(session: Session, name: string): boolean {
  if (!isInstalled(session, name)) {
    session.warn(`${name} not in database of installed binary formats.`);
    return false;
  }
  session.print(textOf(session, name, readDescription(session, name)));
  return true;
}

/** Prints every installed format, by name. */
export function displayAll(session: Session): boolean {
  for (const [name, description] of readDatabase(session)) session.print(textOf(session, name, description));
  return true;
}

function textOf(session: Session, name: string, description: Description): string {
  const owner = description.package === LOCAL_PACKAGE ? '<local>' : description.package;
  const shown = { ...description, package: owner };
  const lines = SHOWN.map((field) => `${field.padStart(12)} = ${shown[field]}\n`);
  return `${name} (${isRegistered(session, name) ? 'enabled' : 'disabled'}):\n${lines.join('')}`;
}
