import { join } from 'node:path';
import { compressionOf, unpackFile } from '../archive/unpack.ts';
import type { Candidate } from '../emulators/types.ts';
import type { Layer } from '../oci/types.ts';
import { corrupt } from '../system/file/integrity.ts';
import { type TakeOptions, takeFromArchives } from './archives.ts';
import { layoutRoles } from './members.ts';
import type { EmulatorTarget } from './types.ts';

/**
 * Takes the wanted emulators out of the layers of an image and into the store, all of them or, when something is wrong,
 * none. Layers are brought only until all is found, the highest one first; nothing else of them is written anywhere.
 *
 * @param layers the lowest one first
 * @param options `work`: a folder for layers
 * @throws BAD_PACKAGE; INTERRUPTED; what bringing a layer and the store throw.
 */
export function takeFromLayers(
  layers: readonly Layer[],
  targets: readonly EmulatorTarget[],
  options: TakeOptions & { readonly workDirectory: string },
): Promise<readonly Candidate[]> {
  const archives = layers.map((layer, index) => {
    const bring = once(() => bringLayer(layer, join(options.workDirectory, `layer-${index}`)));
    const open = async () => unpackFile(await bring(), layer.compression);
    return { what: `layer ${layer.digest}`, open };
  });
  return takeFromArchives(archives.toReversed(), layoutRoles(targets), options);
}

async function bringLayer(layer: Layer, file: string): Promise<string> {
  await layer.fetch(file);
  const actual = await compressionOf(file);
  if (actual !== layer.compression)
    throw corrupt(`layer ${layer.digest} is said to be of ${layer.compression}, but is of ${actual}`);
  return file;
}

function once<T>(action: () => Promise<T>): () => Promise<T> {
  let known: { readonly value: T } | undefined;
  return async () => {
    known ??= { value: await action() };
    return known.value;
  };
}
