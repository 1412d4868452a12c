import { join } from 'node:path';
import { compressionOf, unpackFile } from '../archive/unpack.ts';
import type { Candidate } from '../emulators/types.ts';
import type { Layer } from '../oci/types.ts';
import { corrupt } from '../system/file/integrity.ts';
import { type TakeOptions, takeFromArchives } from './archives.ts';
import { layoutRoles } from './members.ts';
import type { EmulatorTarget } from './types.ts';

/**
 * Extracts emulators from the layers of an image into the store: all of them or, after an error, none. Fetches layers
 * from the highest down, only until all emulators are found. Stores nothing else.
 *
 * @param layers lowest first
 * @param options `workDirectory`: for downloaded layers
 * @throws BAD_PACKAGE; INTERRUPTED; errors of `fetch` and of the store.
 */
export function takeFromLayers(
  layers: readonly Layer[],
  targets: readonly EmulatorTarget[],
  options: TakeOptions & { readonly workDirectory: string },
): Promise<readonly Candidate[]> {
  const archives = layers.map((layer, index) => {
    const fetchOnce = once(() => fetchLayer(layer, join(options.workDirectory, `layer-${index}`)));
    const open = async () => unpackFile(await fetchOnce(), layer.compression);
    return { what: `layer ${layer.digest}`, open };
  });
  return takeFromArchives(archives.toReversed(), layoutRoles(targets), options);
}

async function fetchLayer(layer: Layer, file: string): Promise<string> {
  await layer.fetch(file);
  const actual = await compressionOf(file);
  if (actual !== layer.compression)
    throw corrupt(`layer ${layer.digest} is declared as ${layer.compression}, but is ${actual}`);
  return file;
}

function once<T>(action: () => Promise<T>): () => Promise<T> {
  let known: { readonly value: T } | undefined;
  return async () => {
    known ??= { value: await action() };
    return known.value;
  };
}
