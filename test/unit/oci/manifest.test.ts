import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArchive, promisedDigest } from '../../../src/oci/docker-archive.ts';
import { layerCompression, parseConfig, parseManifest } from '../../../src/oci/manifest.ts';
import { choosePlatform, hostPlatforms, type Platform, printPlatform } from '../../../src/oci/platform.ts';

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const digest = `sha256:${'ab'.repeat(32)}`;
const descriptor = { mediaType: MANIFEST, digest, size: 10 };
const manifest = { schemaVersion: 2, config: descriptor, layers: [descriptor] };
const bad = (message: string) =>
  expect.objectContaining({ code: 'BAD_PACKAGE', message: expect.stringContaining(message) });

describe('parseManifest', () => {
  it('parses an index and a manifest, with or without a media type', () => {
    const platform = { os: 'linux', architecture: 'arm', variant: 'v7' };
    const index = { schemaVersion: 2, manifests: [{ ...descriptor, platform }, descriptor] };
    expect(parseManifest(bytes(index), INDEX)).toEqual({
      kind: 'index',
      manifests: [{ ...descriptor, platform }, descriptor],
    });
    expect(parseManifest(bytes(manifest), '')).toMatchObject({ kind: 'manifest', layers: [descriptor] });
    expect(parseManifest(bytes({ ...manifest, mediaType: MANIFEST }), MANIFEST)).toMatchObject({
      kind: 'manifest',
    });
  });

  it.each([
    ['text that is not JSON', new Uint8Array([0x7f, 0x45]), '', 'not JSON'],
    ['JSON that is not an object', bytes([]), '', 'not a JSON object'],
    ['an unsupported media type', bytes(manifest), 'text/html', '"text/html"'],
    ['an unsupported media type in the document', bytes({ ...manifest, mediaType: 'x/y' }), '', '"x/y"'],
    ['an index with the type of a manifest', bytes({ manifests: [] }), MANIFEST, 'not match its media type'],
    ['a manifest with the type of an index', bytes({ ...manifest, mediaType: INDEX }), MANIFEST, 'not match'],
    ['both', bytes({ ...manifest, manifests: [] }), '', 'must be either'],
    ['neither', bytes({ schemaVersion: 2 }), '', 'must be either'],
    ['schema 1', bytes({ schemaVersion: 1, fsLayers: [] }), '', 'schema 1'],
    [
      'an unsupported digest',
      bytes({ ...manifest, config: { ...descriptor, digest: 'md5:1' } }),
      '',
      'config.digest',
    ],
    [
      'a path as digest',
      bytes({ manifests: [{ ...descriptor, digest: '../../x' }] }),
      '',
      'manifests.0.digest',
    ],
    ['a negative size', bytes({ ...manifest, layers: [{ ...descriptor, size: -1 }] }), '', 'layers.0.size'],
    ['a huge size', bytes({ ...manifest, layers: [{ ...descriptor, size: 1e300 }] }), '', 'layers.0.size'],
    ['too many layers', bytes({ ...manifest, layers: Array(501).fill(descriptor) }), '', 'layers'],
  ])('refuses %s', (_, text, mediaType, message) => {
    expect(() => parseManifest(text, mediaType)).toThrow(bad(message));
  });

  it('accepts any input or throws BAD_PACKAGE', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => new TextEncoder().encode(text)),
        ),
        (text) => {
          const parsers = [
            (each: Uint8Array) => parseManifest(each, ''),
            parseConfig,
            (each: Uint8Array) => parseArchive(each, 'image.tar'),
          ];
          for (const parse of parsers) {
            try {
              parse(text);
            } catch (error) {
              expect(error).toMatchObject({ code: 'BAD_PACKAGE' });
            }
          }
        },
      ),
    );
  });
});

describe('layerCompression', () => {
  it.each([
    ['application/vnd.oci.image.layer.v1.tar', 'none'],
    ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
    ['application/vnd.oci.image.layer.v1.tar+zstd', 'zstd'],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'gzip'],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
    ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
    ['application/vnd.docker.image.rootfs.diff.tar', 'none'],
  ])('recognizes %s', (mediaType, compression) => {
    expect(layerCompression(mediaType)).toBe(compression);
  });

  it.each(['', 'application/vnd.oci.image.layer.v1.tar+bzip2', 'application/vnd.in-toto+json', 'text/html'])(
    'refuses %j',
    (mediaType) => {
      expect(() => layerCompression(mediaType)).toThrow(bad('unsupported layer media type'));
    },
  );
});

describe('the platform of a machine', () => {
  const offered = (...names: string[]) =>
    names.map((name) => {
      const [os = '', architecture = '', variant = null] = name.split('/');
      return { platform: { os, architecture, variant } as Platform };
    });
  const words = (machine: string) => machine.split(' ') as [string, string?];
  const chosen = (machine: string, ...names: string[]) => {
    const found = choosePlatform(offered(...names), hostPlatforms(...words(machine)));
    return found === null ? null : printPlatform(found.platform);
  };

  it.each([
    ['x86_64', ['linux/386', 'linux/amd64/v3', 'linux/amd64'], 'linux/amd64'],
    ['x86_64', ['linux/amd64/v3', 'windows/amd64'], null],
    ['aarch64', ['linux/arm/v7', 'linux/arm64', 'linux/arm64/v8'], 'linux/arm64/v8'],
    ['aarch64', ['linux/arm64'], 'linux/arm64'],
    ['arm armv6l', ['linux/arm/v7', 'linux/arm/v6', 'linux/arm/v5'], 'linux/arm/v6'],
    ['arm', ['linux/arm/v5', 'linux/arm/v7'], 'linux/arm/v7'],
    ['arm armv8l', ['linux/arm64', 'linux/arm/v7'], 'linux/arm/v7'],
    ['i386', ['linux/amd64', 'linux/386'], 'linux/386'],
    ['loongarch64', ['linux/loong64'], 'linux/loong64'],
    ['riscv64', ['linux/riscv64'], 'linux/riscv64'],
    ['s390x', ['linux/amd64'], null],
  ])('%s of %j is %s', (machine, names, expected) => {
    expect(chosen(machine, ...names)).toBe(expected);
  });
});

describe('promisedDigest', () => {
  it('is found only in the names that Docker gives to configurations', () => {
    const hex = 'cd'.repeat(32);
    expect([`${hex}.json`, `blobs/sha256/${hex}`, hex].map(promisedDigest)).toEqual(
      Array(3).fill(`sha256:${hex}`),
    );
    expect(['config.json', `../${hex}.json`, `${hex}.json.x`].map(promisedDigest)).toEqual([
      null,
      null,
      null,
    ]);
  });
});
