import { posix } from 'node:path';
import { readTar } from '../archive/tar-reader.ts';
import { writeStore } from '../emulators/store/writer.ts';
import type { Candidate, Origin } from '../emulators/types.ts';
import { interrupted } from '../errors.ts';
import { addRole, type RolesByPath } from './members.ts';
import { isSettled, type LayerSearch, newSearch, searchLayer } from './search.ts';
import type { FetchOptions } from './types.ts';

/** More than any archive of programs has when it is unpacked, in bytes. */
const MAX_BYTES = 4 * 1024 ** 3;
/** A link may name a file that came before it, which then is found by another search. */
const MAX_SEARCHES = 8;

/** A tar archive that may hold emulators. */
export interface Archive {
  /** For messages: `layer sha256:…`. */
  readonly what: string;
  /** Its bytes, from the start each time. */
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
  /** It is a Debian package's, in which devices and pipes have no place; images may have them. */
  readonly isPackage?: boolean | undefined;
}

export interface TakeOptions extends FetchOptions {
  /** What is named in messages. */
  readonly name: string;
  readonly origin: Origin;
}

/**
 * Takes the wanted emulators out of archives and into the store, all of them or, when something is wrong, none. Archives are
 * opened only until all is found; nothing else of them is written anywhere, and no name in them is used as a path.
 *
 * @param archives what is in an earlier one counts before what is in a later one
 * @throws BAD_PACKAGE; INTERRUPTED; what opening an archive and the store throw.
 */
export async function takeFromArchives(
  archives: readonly Archive[],
  first: RolesByPath,
  options: TakeOptions,
): Promise<readonly Candidate[]> {
  const { store, signal, name, origin } = options;
  return writeStore(
    store,
    async (writer) => {
      const taken = new Map<string, Candidate>();
      let rolesByPath = first;
      for (let count = 0; count < MAX_SEARCHES && rolesByPath.size > 0; count++) {
        const search = newSearch(rolesByPath, async (path, roles, bytes) => {
          const [{ name: storedName } = { name: posix.basename(path) }] = roles;
          const stored = await writer.put(storedName, bytes);
          for (const { guest, emulator } of roles)
            taken.set(guest, { path: stored.path, from: `${path} of ${name}`, emulator, guest, origin });
        });
        for (const { what, open, isPackage } of archives) {
          if (isSettled(search)) break;
          if (signal.aborted) throw interrupted(signal, 'fetching');
          await searchLayer(readTar(await open(), { what, maxBytes: MAX_BYTES, signal }), search, {
            isPackage,
          });
        }
        rolesByPath = remainingRoles(search, taken);
      }
      return [...taken.values()];
    },
    { signal },
  );
}

/** What links lead to, and the other places of what they were taken for, as a link may lead nowhere. */
function remainingRoles(
  { rolesByPath, linked, followed }: LayerSearch,
  taken: ReadonlyMap<string, Candidate>,
): RolesByPath {
  const remaining: RolesByPath = new Map();
  if (linked.size === 0) return remaining;
  for (const [path, roles] of [...linked, ...rolesByPath]) {
    for (const role of followed.has(path) ? [] : roles) {
      if (!taken.has(role.guest)) addRole(remaining, path, role);
    }
  }
  return remaining;
}
