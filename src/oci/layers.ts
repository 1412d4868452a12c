import { BinfmtctlError } from '../errors.ts';
import { corrupt } from '../system/file/integrity.ts';
import {
  type Descriptor,
  type ImageConfig,
  isIndexType,
  isManifestType,
  layerCompression,
  MAX_MANIFEST,
  parseConfig,
  parseManifest,
} from './manifest.ts';
import { choosePlatform, type Platform, printPlatform } from './platform.ts';
import type { Images, Layer } from './types.ts';

/** Indexes nest: the index of a layout can refer to the image's index. */
const MAX_DEPTH = 4;
/** In bytes; larger than the layers of real images. */
const MAX_LAYER = 4 * 1024 ** 3;

/**
 * Lists the layers, lowest first, of the image for the first of `platforms` that is available.
 *
 * @throws SOURCE_FAILED if no image or several images match; BAD_PACKAGE; errors of `images`.
 */
export async function layersFor(images: Images, platforms: readonly Platform[]): Promise<readonly Layer[]> {
  const { bytes, mediaType } = await images.top();
  let document = parseManifest(bytes, mediaType);
  let isChosen = false;
  for (let depth = 0; document.kind === 'index'; depth++) {
    if (depth === MAX_DEPTH)
      throw corrupt(`${images.name}: image indexes are nested too deeply (limit ${MAX_DEPTH})`);
    const descriptor = choose(images.name, document.manifests, platforms);
    isChosen ||= descriptor.platform !== undefined;
    requireSmall(descriptor, 'manifest');
    document = parseManifest(await images.manifest(descriptor), descriptor.mediaType);
  }
  if (!isChosen) {
    requireSmall(document.config, 'configuration');
    requirePlatform(images.name, parseConfig(await images.config(document.config)), platforms);
  }
  return document.layers.map((descriptor): Layer => {
    const { digest, size, mediaType } = descriptor;
    if (size > MAX_LAYER) throw corrupt(`layer ${digest} is too large: ${size} bytes (limit ${MAX_LAYER})`);
    const compression = layerCompression(mediaType);
    return { digest, compression, fetch: (file) => images.layer(descriptor, file) };
  });
}

/** Throws SOURCE_FAILED if the image is for none of `platforms`. */
export function requirePlatform(name: string, config: ImageConfig, platforms: readonly Platform[]): void {
  if (choosePlatform([{ platform: config }], platforms) === null) {
    // Most images name no variant. They run on every machine of their architecture.
    const { os, architecture } = config;
    if (!platforms.some((each) => each.os === os && each.architecture === architecture))
      throw noPlatform(name, [printPlatform(config)], platforms);
  }
}

/** Returns the only image found, or null. Throws SOURCE_FAILED if there are several. */
export function requireOne<T>(name: string, found: readonly T[], nameOf: (each: T) => string): T | null {
  const [first, second] = found;
  if (first === undefined) return null;
  if (second === undefined) return first;
  throw new BinfmtctlError('SOURCE_FAILED', `${name} contains ${found.length} images for this machine`, {
    hint: `select one by digest, with @sha256:… after the path: ${found.map(nameOf).slice(0, 10).join(', ')}`,
  });
}

function choose(name: string, offered: readonly Descriptor[], platforms: readonly Platform[]): Descriptor {
  const images = offered.filter(({ mediaType }) => isIndexType(mediaType) || isManifestType(mediaType));
  const best = choosePlatform(images, platforms)?.platform;
  const candidates = images.filter(({ platform }) =>
    best === undefined
      ? platform === undefined
      : platform !== undefined && printPlatform(platform) === printPlatform(best),
  );
  // An index can list the same manifest twice, under two tags.
  const distinct = candidates.filter(
    ({ digest }, index) => candidates.findIndex((each) => each.digest === digest) === index,
  );
  const one = requireOne(name, distinct, nameOf);
  if (one !== null) return one;
  const has = images.flatMap(({ platform }) => (platform === undefined ? [] : [printPlatform(platform)]));
  throw noPlatform(name, has, platforms);
}

/** An image for messages: its digest and, if it has one, its tag. */
export function nameOf({ digest, annotations }: Descriptor): string {
  const tag = annotations?.['org.opencontainers.image.ref.name'];
  return tag === undefined ? digest : `${digest} (${tag})`;
}

function noPlatform(name: string, has: readonly string[], platforms: readonly Platform[]): BinfmtctlError {
  const platform = platforms[0] === undefined ? 'this machine' : printPlatform(platforms[0]);
  const known = [...new Set(has)].filter((each) => !each.startsWith('unknown')).slice(0, 20);
  return new BinfmtctlError('SOURCE_FAILED', `${name} has no image for ${platform}`, {
    hint: `use another image or source; platforms of this image: ${known.join(', ') || 'none'}`,
  });
}

function requireSmall({ digest, size }: Descriptor, what: string): void {
  if (size > MAX_MANIFEST)
    throw corrupt(`${what} ${digest} is too large: ${size} bytes (limit ${MAX_MANIFEST})`);
}
