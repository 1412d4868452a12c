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

/** More than any layer of programs has when it is unpacked, in bytes. */
const MAX_BYTES = 4 * 1024 ** 3;

export const INDEX = 'index.json';
export const MANIFEST = 'manifest.json';

const blobOf = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/**
 * An OCI layout (image-spec image-layout.md), in a folder or in an archive.
 *
 * @param digest of the image that is meant; null for the one that is there for this machine
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
 * The layers of an image in an archive of `docker save` as older versions of Docker write it, without the OCI layout. Their
 * digests are those that the image's configuration names.
 *
 * @param digest of the configuration of the image that is meant, which Docker calls its id; null for the one for this machine
 * @throws SOURCE_FAILED where it has none for this machine, or more than one; BAD_PACKAGE.
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
    throw corrupt(`${name} has ${files.length} layers, but its configuration ${diffIds.length}`);
  return diffIds.map((digest, index): Layer => {
    const bring = (file: string) => copyLayer(members, files[index] ?? '', digest, file);
    return { digest, compression: 'none', bring };
  });
}

const nameOfArchived = ({ config, tags }: ArchivedImage): string =>
  [promisedDigest(config) ?? config, ...tags.slice(0, 1).map((tag) => `(${tag})`)].join(' ');

function noImage(name: string, digest: string | null, has: readonly string[]): BinfmtctlError {
  const what = digest === null ? 'image' : `image ${digest}`;
  return new BinfmtctlError('SOURCE_FAILED', `${name} has no ${what}`, {
    hint: `it has ${has.slice(0, 10).join(', ') || 'none at all'}`,
  });
}

async function readConfig(members: Members, { config }: ArchivedImage) {
  const bytes = await readMember(members, config, MAX_MANIFEST);
  const digest = promisedDigest(config);
  if (digest === null) throw corrupt(`the name of the configuration ${JSON.stringify(config)} is no digest`);
  requireSame(`the configuration ${config}`, digestOf(bytes), digest);
  return parseConfig(bytes);
}

/** Such a layer may be compressed; its digest is that of what was packed. */
async function copyLayer(members: Members, name: string, digest: string, file: string): Promise<void> {
  await writeHashed(file, async (hashed) => {
    for await (const chunk of unpack(members.read(name), 'detect')) {
      if (hashed.size() > MAX_BYTES) throw corrupt(`layer ${digest} has more than ${MAX_BYTES} bytes`);
      await hashed.write(chunk);
    }
    requireSame(`layer ${name}`, hashed.digest(), digest);
  });
}

/** Opens what the files are: an OCI layout first, which newer versions of Docker write too. */
export async function isLayout(members: Members, name: string): Promise<boolean> {
  if (await members.has(INDEX)) return true;
  if (await members.has(MANIFEST)) return false;
  throw new BinfmtctlError(
    'BAD_SOURCE',
    `${name} is neither an OCI layout nor an archive of \`docker save\``,
    {
      hint: 'make one with `skopeo copy docker://IMAGE oci:DIR` or `docker save IMAGE -o FILE`',
    },
  );
}
