import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { compressionOf, unpackFile } from '../archive/unpack.ts';
import type { Context } from '../context.ts';
import type { Layer } from '../oci/types.ts';
import type { IdMaps } from '../system/namespace/id-maps.ts';
import type { PartialTree } from './cache.ts';
import { layerFilter } from './entry.ts';
import { clearPaths, unpackTree } from './unpack-tree.ts';

/**
 * Unpacks the layers of an image into one tree, the lowest one first, each after what it takes away from those below it
 * (image-spec layer.md, "Applying Changesets"). No byte of a layer is unpacked before its digest was compared.
 *
 * @throws as `unpackTree`; what bringing a layer throws.
 */
export async function unpackLayers(
  layers: readonly Layer[],
  maps: IdMaps | null,
  { tree, root, workDirectory }: PartialTree,
  { report, signal }: Context,
): Promise<void> {
  const file = join(workDirectory, 'layer');
  for (const [index, layer] of layers.entries()) {
    const text = `layer ${index + 1} of ${layers.length}`;
    report({ kind: 'stage', stage: 'unpack', text });
    await layer.fetch(file);
    const compression = await compressionOf(file);
    const read = () => wholeBlocks(unpackFile(file, compression));
    const unpacking = { what: `layer ${layer.digest}`, signal, tree, root, maps };
    if (index > 0) await clearPaths(read, unpacking);
    await unpackTree(read(), layerFilter(), unpacking);
    await rm(file);
  }
}

const BLOCK = 512;

/** Some programs end a layer with the last byte of its last file (umoci 0.4 insert); its digest says that nothing is missing. */
async function* wholeBlocks(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    yield chunk;
  }
  if (size % BLOCK > 0) yield new Uint8Array(BLOCK - (size % BLOCK));
}
