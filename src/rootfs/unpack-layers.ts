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
 * Unpacks the layers of an image into one tree, lowest first. Applies the whiteouts of each layer before unpacking it
 * (image-spec layer.md, "Applying Changesets"). Verifies the digest of a layer before unpacking any of it.
 *
 * @throws errors of `unpackTree` and of `fetch`.
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

/**
 * Pads the last block. Some programs omit the padding (umoci 0.4 insert); the digest proves that nothing is missing.
 */
async function* wholeBlocks(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    yield chunk;
  }
  if (size % BLOCK > 0) yield new Uint8Array(BLOCK - (size % BLOCK));
}
