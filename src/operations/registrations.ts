import { basename, join } from 'node:path';
import { assertStoreTrusted, readStoreFile } from '../emulators/store-trust.ts';
import { decodeRegistration, type Registration } from '../plan/registration.ts';
import { listFiles } from '../system/files.ts';

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

/**
 * Everything we registered from this store, by name of entry. `onInvalid` gets the path of each file that is no
 * registration.
 *
 * @throws STORE_FAILED, FILE_FAILED where another user can have written it.
 */
export async function readRegistrations(
  store: string,
  onInvalid: (path: string) => void = () => {},
): Promise<ReadonlyMap<string, StoredRegistration>> {
  assertStoreTrusted(store);
  const files = await listFiles(join(store, 'registrations'));
  // Not the temporary files of a killed run.
  const paths = files.filter((path) => path.endsWith('.json'));
  const found = paths.flatMap((path): readonly StoredRegistration[] => {
    const text = readStoreFile(store, 'registrations', basename(path)) ?? '';
    const registration = decodeRegistration(text);
    if (registration === null) onInvalid(path);
    return registration === null ? [] : [{ path, text, registration }];
  });
  return new Map(found.map((each) => [each.registration.rule.name, each]));
}
