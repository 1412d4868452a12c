import { basename, join } from 'node:path';
import type { Context } from '../context.ts';
import { readStoreFiles } from '../emulators/store/trust.ts';
import { equalRules } from '../rule/equal.ts';
import type { Entry } from '../rule/types.ts';
import { decodeRegistration, type Registration } from './registration.ts';
import { fromReadableStores } from './stores.ts';

/** A registration and the file it was read from. */
export interface StoredRegistration {
  readonly path: string;
  readonly text: string;
  readonly registration: Registration;
}

/** Path of the registration file of entry `name`. */
export function registrationPath(store: string, name: string): string {
  return join(store, 'registrations', `${encodeURIComponent(name)}.json`);
}

/** A registration file that is truncated or otherwise invalid. */
export interface DamagedRegistration {
  readonly path: string;
  readonly text: string;
  /** Name of the entry, taken from the file name. */
  readonly entry: string;
}

/** The registrations in a store by entry name, without damaged files. */
export async function readRegistrations(store: string): Promise<ReadonlyMap<string, StoredRegistration>> {
  return (await readAllRegistrations(store)).registrations;
}

/**
 * The registrations in a store by entry name, and the damaged files.
 *
 * @throws STORE_FAILED, FILE_FAILED if another user may have written them.
 */
export async function readAllRegistrations(store: string): Promise<{
  readonly registrations: ReadonlyMap<string, StoredRegistration>;
  readonly damaged: readonly DamagedRegistration[];
}> {
  // Skips temporary files of a killed run.
  const texts = readStoreFiles(store, 'registrations', (name) => name.endsWith('.json'));
  const registrations = new Map<string, StoredRegistration>();
  const damaged: DamagedRegistration[] = [];
  for (const [name, text] of texts) {
    const path = join(store, 'registrations', name);
    const registration = decodeRegistration(text);
    if (registration === null) damaged.push({ path, text, entry: entryOf(path) });
    else registrations.set(registration.rule.name, { path, text, registration });
  }
  return { registrations, damaged };
}

/** The registrations in the user's store and, for users other than root, in the machine's store. The user's take precedence. */
export async function readReadableRegistrations(
  context: Pick<Context, 'store'>,
): Promise<ReadonlyMap<string, StoredRegistration>> {
  const all = await fromReadableStores(context, (store) => readRegistrations(store));
  return new Map(all.toReversed().flatMap((each) => [...each]));
}

/** Whether binfmtctl registered the entry as it is now, rather than another program that replaced it. */
export function isOurs(entry: Entry, registrations: ReadonlyMap<string, StoredRegistration>): boolean {
  const registration = registrations.get(entry.name)?.registration;
  return registration?.registered === true && equalRules(entry, registration.rule);
}

function entryOf(path: string): string {
  const name = basename(path, '.json');
  try {
    return decodeURIComponent(name);
  } catch {
    // binfmtctl does not write such a name.
    return name;
  }
}
