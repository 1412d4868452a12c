import { machine } from 'node:os';
import { findArch } from '../catalogue/resolve.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { parseArchive } from '../oci/docker-archive.ts';
import { layersFor } from '../oci/layers.ts';
import { isLayout, layersOfArchive, MANIFEST, openLayout } from '../oci/layout.ts';
import {
  type Descriptor,
  isIndexType,
  isManifestType,
  MAX_MANIFEST,
  parseConfig,
  parseManifest,
} from '../oci/manifest.ts';
import { type Members, readMember } from '../oci/members.ts';
import { choosePlatform, hostPlatforms, type Platform, printPlatform } from '../oci/platform.ts';
import type { Images, Layer } from '../oci/types.ts';

/** Limit for nested indexes; `layersFor` reports the error. */
const MAX_DEPTH = 4;
const MAX_LISTED = 20;

/** A layout or an archive of images. */
interface ImageFiles {
  readonly name: string;
  readonly members: Members;
  /** Of the image to use; null if not given. */
  readonly digest: string | null;
}

/**
 * Lists the layers of an image, lowest first. Fetching a layer verifies its digest.
 *
 * @param arches requested arches; if empty, this machine's platform if the image has it, otherwise its only platform
 * @throws USAGE if the image has several platforms and none is requested; SOURCE_FAILED if it has no requested one;
 * BAD_SOURCE, BAD_PACKAGE.
 */
export async function layersOfImage(
  { name, members, digest }: ImageFiles,
  arches: readonly Arch[],
  { catalogue }: Context,
): Promise<readonly Layer[]> {
  const own = () => hostPlatforms(findArch(catalogue, machine()).id, machine());
  const choose = async (offered: () => Promise<readonly Platform[]>) =>
    arches.length > 0
      ? arches.flatMap(({ id }) => hostPlatforms(id))
      : ownOrOnly(name, await offered(), own());
  if (await isLayout(members, name)) {
    const images = openLayout(name, members, digest);
    return layersFor(images, await choose(() => platformsOfLayout(images)));
  }
  return layersOfArchive(name, members, digest, await choose(() => platformsOfArchive(name, members)));
}

function ownOrOnly(
  name: string,
  offered: readonly Platform[],
  own: readonly Platform[],
): readonly Platform[] {
  const names = [...new Set(offered.map(printPlatform))];
  const [first] = offered;
  if (first === undefined || choosePlatform(offered.map(asOffer), own) !== null) return own;
  if (names.length === 1) return [first];
  throw new BinfmtctlError('USAGE', `${name} has images for ${names.length} platforms`, {
    hint: `choose one with --arch: ${names.slice(0, MAX_LISTED).join(', ')}`,
  });
}

const asOffer = (platform: Platform) => ({ platform });

/** The platforms in an index, or in the configuration of an image without an index. */
async function platformsOfLayout(images: Images): Promise<readonly Platform[]> {
  const look = async (bytes: Uint8Array, mediaType: string, depth: number): Promise<readonly Platform[]> => {
    const document = parseManifest(bytes, mediaType);
    if (document.kind === 'manifest') return [parseConfig(await images.config(document.config))];
    if (depth === MAX_DEPTH) return [];
    const found = await Promise.all(document.manifests.filter(isImage).map((each) => inside(each, depth)));
    // Build attestations have the platform unknown/unknown.
    return found.flat().filter(({ os }) => os !== 'unknown');
  };
  const inside = async (each: Descriptor, depth: number): Promise<readonly Platform[]> => {
    if (each.platform !== undefined) return [each.platform];
    return each.size > MAX_MANIFEST ? [] : look(await images.manifest(each), each.mediaType, depth + 1);
  };
  const { bytes, mediaType } = await images.top();
  return look(bytes, mediaType, 0);
}

const isImage = ({ mediaType }: Descriptor): boolean => isIndexType(mediaType) || isManifestType(mediaType);

async function platformsOfArchive(name: string, members: Members): Promise<readonly Platform[]> {
  const images = parseArchive(await readMember(members, MANIFEST, MAX_MANIFEST), name);
  const configs = images.map(({ config }) => readMember(members, config, MAX_MANIFEST));
  return (await Promise.all(configs)).map(parseConfig);
}
