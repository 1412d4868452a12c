import { basename, join } from 'node:path';
import type { Context } from '../context.ts';
import { readStoreFiles } from '../emulators/store/trust.ts';
import { equalRules } from '../rule/equal.ts';
import type { Entry } from '../rule/types.ts';
import { decodeRegistration, type Registration } from './registration.ts';
import { fromReadableStores } from './stores.ts';

/** A registration as it was found in its file. */
export interface StoredRegistration {
  readonly path: string;
  readonly text: string;
  readonly registration: Registration;
}

/** The file of the registration of the entry `name`. */
export function registrationPath(store: string, name: string): string {
  return join(store, 'registrations', `${encodeURIComponent(name)}.json`);
}

/** A registration's file that holds none: truncated, or damaged otherwise. */
export interface DamagedRegistration {
  readonly path: string;
  readonly text: string;
  /** Name of the entry, which the file's name tells. */
  readonly entry: string;
}

/** Everything we registered from this store, by name of entry, without damaged files. */
export async function readRegistrations(store: string): Promise<ReadonlyMap<string, StoredRegistration>> {
  return (await readAllRegistrations(store)).registrations;
}

/**
 * Everything we registered from this store, by name of entry, and the files that do not say what that was.
 *
 * @throws STORE_FAILED, FILE_FAILED where another user can have written it.
 */
export async function readAllRegistrations(store: string): Promise<{
  readonly registrations: ReadonlyMap<string, StoredRegistration>;
  readonly damaged: readonly DamagedRegistration[];
}> {
  // Not the temporary files of a killed run.
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

/** Those of our store and, for users, of the machine's; ours come first. */
export async function readReadableRegistrations(
  context: Pick<Context, 'store'>,
): Promise<ReadonlyMap<string, StoredRegistration>> {
  const all = await fromReadableStores(context, (store) => readRegistrations(store));
  return new Map(all.toReversed().flatMap((each) => [...each]));
}

/** Whether the entry is as we registered it: an entry that others put in its place is theirs. */
export function isOurs(entry: Entry, registrations: ReadonlyMap<string, StoredRegistration>): boolean {
  const registration = registrations.get(entry.name)?.registration;
  return registration?.registered === true && equalRules(entry, registration.rule);
}

function entryOf(path: string): string {
  const name = basename(path, '.json');
  try {
    return decodeURIComponent(name);
  } catch {
    // Not a name that we write.
    return name;
  }
}
