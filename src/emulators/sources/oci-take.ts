import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { interrupted } from '../../system/http-error.ts';
import { writeStore } from '../store-writer.ts';
import type { Candidate } from '../types.ts';
import { isSettled, newSearch, type Search, searchLayer } from './oci-layers.ts';
import type { Layer } from './oci-types.ts';
import { corrupt, writeHashed } from './oci-verify.ts';
import { readTar } from './tar-reader.ts';
import type { FetchOptions, Want } from './types.ts';
import { compressionOf, unpackFile } from './unpack.ts';
import { addWanted, type Role, type Wanted, wantedPaths } from './wanted.ts';

/** More than any layer of programs has when it is unpacked, in bytes. */
const MAX_BYTES = 4 * 1024 ** 3;
/** A link may name a file of a higher layer, which then is found by another search. */
const MAX_SEARCHES = 8;

/** An emulator that was found, in a file of our own. */
interface Taken {
  readonly file: string;
  readonly path: string;
  readonly role: Role;
}

export interface TakeOptions extends FetchOptions {
  /** A folder for layers and what is found in them. */
  readonly work: string;
  /** What is named in messages. */
  readonly name: string;
}

/**
 * Takes the wanted emulators out of the layers of an image and into the store, all of them or, when something is wrong,
 * none. Layers are brought only until all is found, the highest one first; nothing else of them is written anywhere.
 *
 * @param layers the lowest one first
 * @throws BAD_PACKAGE; INTERRUPTED; what bringing a layer and the store throw.
 */
export async function takeFromLayers(
  layers: readonly Layer[],
  wants: readonly Want[],
  options: TakeOptions,
): Promise<readonly Candidate[]> {
  const { work, store, signal, name } = options;
  const taken = new Map<string, Taken>();
  const bring = once((layer: Layer) => bringLayer(layer, work, layers.indexOf(layer)));
  let wanted = wantedPaths(wants);
  for (let count = 0; count < MAX_SEARCHES && wanted.size > 0; count++) {
    const search = newSearch(wanted, async (path, roles, bytes) => {
      const file = join(work, `emulator-${taken.size}`);
      await save(bytes, file);
      for (const role of roles) taken.set(role.guest, { file, path, role });
    });
    for (const layer of layers.toReversed()) {
      if (isSettled(search)) break;
      if (signal.aborted) throw interrupted(signal);
      const file = await bring(layer);
      const options = { what: `layer ${layer.digest}`, maxBytes: MAX_BYTES, signal };
      await searchLayer(readTar(unpackFile(file, layer.compression), options), search);
    }
    wanted = stillWanted(search, taken);
  }
  if (taken.size === 0) return [];
  return writeStore(
    store,
    async (writer) => {
      const candidates: Candidate[] = [];
      for (const { file, path, role } of taken.values()) {
        const { path: stored } = await writer.put(
          role.name,
          createReadStream(file, { highWaterMark: 1 << 18 }),
        );
        const { guest, emulator } = role;
        candidates.push({ path: stored, from: `${path} of ${name}`, emulator, guest, origin: 'oci' });
      }
      return candidates;
    },
    { signal },
  );
}

/** What links lead to, and the other places of what they were taken for, as a link may lead nowhere. */
function stillWanted({ wanted, linked, followed }: Search, taken: ReadonlyMap<string, Taken>): Wanted {
  const still: Wanted = new Map();
  if (linked.size === 0) return still;
  for (const [path, roles] of [...linked, ...wanted]) {
    for (const role of followed.has(path) ? [] : roles) {
      if (!taken.has(role.guest)) addWanted(still, path, role);
    }
  }
  return still;
}

async function bringLayer(layer: Layer, work: string, index: number): Promise<string> {
  const file = join(work, `layer-${index}`);
  await layer.bring(file);
  const actual = await compressionOf(file);
  if (actual !== layer.compression)
    throw corrupt(`layer ${layer.digest} is said to be of ${layer.compression}, but is of ${actual}`);
  return file;
}

const save = (bytes: AsyncIterable<Uint8Array>, file: string): Promise<void> =>
  writeHashed(file, async ({ write }) => {
    for await (const chunk of bytes) await write(chunk);
  });

function once<K, V>(action: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const known = new Map<K, V>();
  return async (key) => {
    const value = known.get(key) ?? (await action(key));
    known.set(key, value);
    return value;
  };
}
