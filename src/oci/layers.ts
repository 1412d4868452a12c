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

/** An index may name indexes: that of a layout names the image's own. */
const MAX_DEPTH = 4;
/** More than any image with programs has, in bytes. */
const MAX_LAYER = 4 * 1024 ** 3;

/**
 * The layers of the image for one of `platforms`, the first one preferred; the lowest layer first.
 *
 * @throws SOURCE_FAILED where there is none for this machine, or more than one; BAD_PACKAGE; what `images` throws.
 */
export async function layersFor(images: Images, platforms: readonly Platform[]): Promise<readonly Layer[]> {
  const { bytes, mediaType } = await images.top();
  let document = parseManifest(bytes, mediaType);
  let isChosen = false;
  for (let depth = 0; document.kind === 'index'; depth++) {
    if (depth === MAX_DEPTH) throw corrupt(`${images.name} is an index of indexes without end`);
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
    if (size > MAX_LAYER) throw corrupt(`layer ${digest} has ${size} bytes`);
    const compression = layerCompression(mediaType);
    return { digest, compression, bring: (file) => images.layer(descriptor, file) };
  });
}

/** Throws SOURCE_FAILED where the image was not made for this machine. */
export function requirePlatform(name: string, config: ImageConfig, platforms: readonly Platform[]): void {
  if (choosePlatform([{ platform: config }], platforms) === null) {
    // An image without variant, as most are, runs wherever its architecture does.
    const { os, architecture } = config;
    if (!platforms.some((each) => each.os === os && each.architecture === architecture))
      throw noPlatform(name, [printPlatform(config)], platforms);
  }
}

/** Throws SOURCE_FAILED where it cannot be told which of several images is meant. */
export function requireOne<T>(name: string, found: readonly T[], nameOf: (each: T) => string): T | null {
  const [first, second] = found;
  if (first === undefined) return null;
  if (second === undefined) return first;
  throw new BinfmtctlError('SOURCE_FAILED', `${name} holds ${found.length} images for this machine`, {
    hint: `name one by its digest, with @sha256:… after the path: ${found.map(nameOf).slice(0, 10).join(', ')}`,
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
  // An index may name the same manifest twice, under two tags.
  const different = candidates.filter(
    ({ digest }, index) => candidates.findIndex((each) => each.digest === digest) === index,
  );
  const one = requireOne(name, different, nameOf);
  if (one !== null) return one;
  const has = images.flatMap(({ platform }) => (platform === undefined ? [] : [printPlatform(platform)]));
  throw noPlatform(name, has, platforms);
}

/** An image for messages: its digest, with its tag where it has one. */
export function nameOf({ digest, annotations }: Descriptor): string {
  const tag = annotations?.['org.opencontainers.image.ref.name'];
  return tag === undefined ? digest : `${digest} (${tag})`;
}

function noPlatform(name: string, has: readonly string[], platforms: readonly Platform[]): BinfmtctlError {
  const platform = platforms[0] === undefined ? 'this machine' : printPlatform(platforms[0]);
  const known = [...new Set(has)].filter((each) => !each.startsWith('unknown')).slice(0, 20);
  return new BinfmtctlError('SOURCE_FAILED', `${name} has no image for ${platform}`, {
    hint: `it has ${known.join(', ') || 'none at all'}: take another image, or another source`,
  });
}

function requireSmall({ digest, size }: Descriptor, what: string): void {
  if (size > MAX_MANIFEST) throw corrupt(`${what} ${digest} has ${size} bytes, ${MAX_MANIFEST} at most`);
}
