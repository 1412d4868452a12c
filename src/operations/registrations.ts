import { join } from 'node:path';
import { decodeRegistration, type Registration } from '../plan/registration.ts';
import { listFiles, readTextIfExists } from '../system/files.ts';

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

/** Everything we registered from this store, by name of entry; files that are no registration are passed over. */
export async function readRegistrations(store: string): Promise<ReadonlyMap<string, StoredRegistration>> {
  const files = await listFiles(join(store, 'registrations'));
  // Not what a killed run was about to give its name.
  const paths = files.filter((path) => path.endsWith('.json'));
  const found = await Promise.all(
    paths.map(async (path): Promise<StoredRegistration | null> => {
      const text = (await readTextIfExists(path)) ?? '';
      const registration = decodeRegistration(text);
      return registration && { path, text, registration };
    }),
  );
  return new Map(
    found.flatMap((each) => (each === null ? [] : [[each.registration.rule.name, each] as const])),
  );
}
