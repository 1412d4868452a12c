import { unpack } from '../archive/unpack.ts';
import { BinfmtctlError } from '../errors.ts';
import {
  corrupt,
  digestOf,
  type Expected,
  requireDigest,
  requireSame,
  writeHashed,
} from '../system/file/integrity.ts';
import { type ArchivedImage, parseArchive, promisedDigest } from './docker-archive.ts';
import { nameOf, requireOne, requirePlatform } from './layers.ts';
import { MAX_MANIFEST, parseConfig, parseManifest } from './manifest.ts';
import { type Members, readMember } from './members.ts';
import { choosePlatform, type Platform } from './platform.ts';
import type { Images, Layer } from './types.ts';

/** Limit for an unpacked layer, in bytes; larger than the layers of real images. */
const MAX_BYTES = 4 * 1024 ** 3;

export const INDEX = 'index.json';
export const MANIFEST = 'manifest.json';

const blobOf = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/**
 * Opens an OCI layout (image-spec image-layout.md), in a directory or an archive.
 *
 * @param digest of the image to use; null for the only image for this machine
 */
export function openLayout(name: string, members: Members, digest: string | null): Images {
  const small = async (expected: Expected, what: string): Promise<Uint8Array> => {
    const bytes = await readMember(members, blobOf(expected.digest), MAX_MANIFEST);
    requireDigest(`${what} of ${name}`, bytes, expected);
    return bytes;
  };
  return {
    name,
    top: async () => {
      if (digest !== null && !(await members.has(blobOf(digest)))) {
        const index = parseManifest(await readMember(members, INDEX, MAX_MANIFEST), '');
        throw noImage(name, digest, index.kind === 'index' ? index.manifests.map(nameOf) : []);
      }
      const bytes = await readMember(members, digest === null ? INDEX : blobOf(digest), MAX_MANIFEST);
      if (digest !== null) requireSame(`the manifest of ${name}`, digestOf(bytes), digest);
      return { bytes, mediaType: '' };
    },
    manifest: (expected) => small(expected, 'the manifest'),
    config: (expected) => small(expected, 'the configuration'),
    layer: ({ digest, size }, file) =>
      writeHashed(file, async (hashed) => {
        for await (const chunk of members.read(blobOf(digest))) {
          if (hashed.size() + chunk.length > size)
            throw corrupt(`layer ${digest} has more than ${size} bytes`);
          await hashed.write(chunk);
        }
        if (hashed.size() < size) throw corrupt(`layer ${digest} has ${hashed.size()} bytes, not ${size}`);
        requireSame(`a layer of ${name}`, hashed.digest(), digest);
      }),
  };
}

/**
 * Lists the layers of an image in a `docker save` archive of Docker before 25, which has no OCI layout. The digests
 * come from the image's configuration.
 *
 * @param digest of the image's configuration, which Docker calls the image ID; null for the only image for this machine
 * @throws SOURCE_FAILED if no image or several images match; BAD_PACKAGE.
 */
export async function layersOfArchive(
  name: string,
  members: Members,
  digest: string | null,
  platforms: readonly Platform[],
): Promise<readonly Layer[]> {
  const archived = parseArchive(await readMember(members, MANIFEST, MAX_MANIFEST), name);
  const images = archived.filter(({ config }) => digest === null || promisedDigest(config) === digest);
  const all = await Promise.all(
    images.map(async (image) => ({ image, platform: await readConfig(members, image) })),
  );
  const best = choosePlatform(all, platforms);
  const found = all.filter(({ platform }) => platform.architecture === best?.platform.architecture);
  const one = requireOne(name, found, ({ image }) => nameOfArchived(image));
  const chosen = one ?? all[0];
  if (chosen === undefined) throw noImage(name, digest, archived.map(nameOfArchived));
  requirePlatform(name, chosen.platform, platforms);
  const { diffIds } = chosen.platform;
  const files = chosen.image.layers;
  if (diffIds.length !== files.length)
    throw corrupt(`${name} has ${files.length} layers, but its configuration lists ${diffIds.length}`);
  return diffIds.map((digest, index): Layer => {
    const fetch = (file: string) => copyLayer(members, files[index] ?? '', digest, file);
    return { digest, compression: 'none', fetch };
  });
}

const nameOfArchived = ({ config, tags }: ArchivedImage): string =>
  [promisedDigest(config) ?? config, ...tags.slice(0, 1).map((tag) => `(${tag})`)].join(' ');

function noImage(name: string, digest: string | null, has: readonly string[]): BinfmtctlError {
  const what = digest === null ? 'image' : `image ${digest}`;
  return new BinfmtctlError('SOURCE_FAILED', `${name} has no ${what}`, {
    hint: `use one of its images: ${has.slice(0, 10).join(', ') || 'none'}`,
  });
}

async function readConfig(members: Members, { config }: ArchivedImage) {
  const bytes = await readMember(members, config, MAX_MANIFEST);
  const digest = promisedDigest(config);
  if (digest === null)
    throw corrupt(`the file name of the configuration is not its digest: ${JSON.stringify(config)}`);
  requireSame(`the configuration ${config}`, digestOf(bytes), digest);
  return parseConfig(bytes);
}

/** The layer can be compressed; its digest is that of the unpacked bytes. */
async function copyLayer(members: Members, name: string, digest: string, file: string): Promise<void> {
  await writeHashed(file, async (hashed) => {
    for await (const chunk of unpack(members.read(name), 'detect')) {
      if (hashed.size() > MAX_BYTES) throw corrupt(`layer ${digest} has more than ${MAX_BYTES} bytes`);
      await hashed.write(chunk);
    }
    requireSame(`layer ${name}`, hashed.digest(), digest);
  });
}

/**
 * True for an OCI layout, false for an older `docker save` archive. `docker save` of Docker 25 and later writes both
 * formats into one archive, which counts as a layout.
 */
export async function isLayout(members: Members, name: string): Promise<boolean> {
  if (await members.has(INDEX)) return true;
  if (await members.has(MANIFEST)) return false;
  throw new BinfmtctlError('BAD_SOURCE', `${name} is neither an OCI layout nor a \`docker save\` archive`, {
    hint: 'create one with `skopeo copy docker://IMAGE oci:DIR` or `docker save IMAGE -o FILE`',
  });
}
