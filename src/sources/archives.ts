import { posix } from 'node:path';
import { readTar } from '../archive/tar-reader.ts';
import { writeStore } from '../emulators/store/writer.ts';
import type { Candidate, Origin } from '../emulators/types.ts';
import { interrupted } from '../errors.ts';
import { addRole, type RolesByPath } from './members.ts';
import { isSettled, type LayerSearch, newSearch, searchLayer } from './search.ts';
import type { FetchOptions } from './types.ts';

/** Limit for unpacked archives, in bytes; larger than real ones. */
const MAX_BYTES = 4 * 1024 ** 3;
/** A link can point to an earlier file of the archive, which takes another search. */
const MAX_SEARCHES = 8;

/** A tar archive that may contain emulators. */
export interface Archive {
  /** For messages: `layer sha256:…`. */
  readonly what: string;
  /** Opens a new stream from the start. */
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
  /** The archive is from a Debian package. Devices and pipes are then errors; images may contain them. */
  readonly isPackage?: boolean | undefined;
}

export interface TakeOptions extends FetchOptions {
  /** Name of the source in messages. */
  readonly name: string;
  readonly origin: Origin;
}

/**
 * Extracts emulators from archives into the store: all of them or, after an error, none. Opens archives only until all
 * emulators are found. Writes nothing else, and never uses a name in an archive as a path.
 *
 * @param archives earlier ones take precedence
 * @throws BAD_PACKAGE; INTERRUPTED; errors of `open` and of the store.
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

/** Roles for the next search: the targets of links and, as a link can dangle, the other paths of the same emulators. */
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
