import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layer } from '../../emulators/sources/oci-types.ts';
import { compressionOf, unpackFile } from '../../emulators/sources/unpack.ts';
import type { IdMaps } from '../../plan/id-maps.ts';
import type { Context } from '../context.ts';
import type { PartialTree } from './cache.ts';
import { layerFilter } from './entry.ts';
import { makeRoom, unpackTree } from './unpack-tree.ts';

/**
 * Unpacks the layers of an image into one tree, the lowest one first, each after what it takes away from those below it
 * (image-spec layer.md, "Applying Changesets"). No byte of a layer is unpacked before its digest was compared.
 *
 * @throws as `unpackTree`; what bringing a layer throws.
 */
export async function unpackLayers(
  layers: readonly Layer[],
  maps: IdMaps | null,
  { tree, root, work }: PartialTree,
  { report, signal }: Context,
): Promise<void> {
  const file = join(work, 'layer');
  for (const [index, layer] of layers.entries()) {
    const text = `unpacking layer ${index + 1} of ${layers.length}`;
    report({ kind: 'stage', stage: 'fetch', text });
    await layer.bring(file);
    const compression = await compressionOf(file);
    const read = () => unpackFile(file, compression);
    const unpacking = { what: `layer ${layer.digest}`, signal, tree, root, maps };
    if (index > 0) await makeRoom(read, unpacking);
    await unpackTree(read(), layerFilter(), unpacking);
    await rm(file);
  }
}
