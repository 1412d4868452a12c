/** Image indexes, manifests and configurations: OCI image-spec v1.1 and Docker's image manifest version 2, schema 2. */

import * as v from 'valibot';
import type { Compression } from '../archive/compression.ts';
import { BinfmtctlError } from '../errors.ts';
import { isRecord } from '../text/json.ts';
import type { Platform } from './platform.ts';
import { isDigest } from './reference.ts';

/** Identifies a blob by type, digest and size (image-spec descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  readonly platform?: Platform | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export interface Index {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

export interface Manifest {
  readonly kind: 'manifest';
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
}

export interface ImageConfig extends Platform {
  /** sha256 of each uncompressed layer, lowest first. */
  readonly diffIds: readonly string[];
}

const INDEXES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const MANIFESTS = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
/** Value of the Accept header for manifests. */
export const ACCEPT = [...INDEXES, ...MANIFESTS].join(', ');

/** In bytes; registries reject larger manifests (distribution-spec, "Pushing Manifests"). */
export const MAX_MANIFEST = 4 * 1024 * 1024;
/** The limit of overlayfs. */
const MAX_LAYERS = 500;
const MAX_MANIFESTS = 1000;

const LAYER =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar)(?:[+.](gzip|zstd))?$/;

/** The compression of a layer. Throws BAD_PACKAGE if the media type is not that of a file system layer. */
export function layerCompression(mediaType: string): Compression {
  const match = LAYER.exec(mediaType);
  if (match === null) throw bad(`unsupported layer media type ${JSON.stringify(mediaType)}`);
  return (match[1] as Compression | undefined) ?? 'none';
}

export const isIndexType = (mediaType: string): boolean => INDEXES.includes(mediaType);
export const isManifestType = (mediaType: string): boolean => MANIFESTS.includes(mediaType);

const name = v.pipe(v.string(), v.maxLength(1000));
const platform = v.pipe(
  v.object({ os: name, architecture: name, variant: v.optional(name) }),
  v.transform(
    ({ os, architecture, variant = '' }): Platform => ({ os, architecture, variant: variant || null }),
  ),
);
const descriptor = v.object({
  mediaType: name,
  digest: v.pipe(v.string(), v.check(isDigest, 'must be sha256: followed by 64 hex digits')),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  platform: v.optional(platform),
  annotations: v.optional(v.record(v.string(), v.string())),
});
const index = v.object({ manifests: v.pipe(v.array(descriptor), v.maxLength(MAX_MANIFESTS)) });
const manifest = v.object({
  config: descriptor,
  layers: v.pipe(v.array(descriptor), v.maxLength(MAX_LAYERS)),
});
const config = v.object({
  os: name,
  architecture: name,
  variant: v.optional(name),
  rootfs: v.object({ diff_ids: v.pipe(v.array(name), v.maxLength(MAX_LAYERS)) }),
});

/**
 * Parses an image index or manifest.
 *
 * @param mediaType from the registry's response or the descriptor; empty if unknown
 * @throws BAD_PACKAGE if it is invalid, ambiguous, or of a type other than `mediaType`.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string): Index | Manifest {
  const document = decodeJsonObject(bytes, 'manifest');
  const own = typeof document['mediaType'] === 'string' ? document['mediaType'] : '';
  if (document['schemaVersion'] === 1 || /manifest\.v1\+/.test(own)) {
    if (!isManifestType(own)) throw bad('unsupported manifest: schema 1, which Docker deprecated in 2017');
  }
  const unsupported = [own, mediaType].find(
    (each) => each !== '' && !isIndexType(each) && !isManifestType(each),
  );
  if (unsupported !== undefined) throw bad(`unsupported manifest media type ${JSON.stringify(unsupported)}`);
  // Clients disagree on documents that are valid as both an index and a manifest: CVE-2021-41190.
  const isIndex = 'manifests' in document;
  if (isIndex === ('layers' in document || 'config' in document)) {
    throw bad('invalid manifest: it must be either an image index or an image manifest');
  }
  if ([own, mediaType].some((each) => each !== '' && isIndexType(each) !== isIndex)) {
    throw bad(
      `invalid manifest: its content does not match its media type ${JSON.stringify(own || mediaType)}`,
    );
  }
  return isIndex
    ? { kind: 'index', ...check(index, document, 'image index') }
    : { kind: 'manifest', ...check(manifest, document, 'manifest') };
}

/** Parses an image configuration. Throws BAD_PACKAGE if it is invalid. */
export function parseConfig(bytes: Uint8Array): ImageConfig {
  const { rootfs, variant, ...rest } = check(
    config,
    decodeJsonObject(bytes, 'configuration'),
    'configuration',
  );
  return { ...rest, variant: variant || null, diffIds: rootfs.diff_ids };
}

/** Parses a JSON object. Throws BAD_PACKAGE for anything else. */
export function decodeJsonObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw bad(`invalid ${what}: not JSON`, cause);
  }
  if (isRecord(value)) return value;
  throw bad(`invalid ${what}: not a JSON object`);
}

function check<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const { success, output, issues } = v.safeParse(schema, value, { abortEarly: true });
  if (success) return output;
  const [issue] = issues;
  throw bad(`invalid ${what}: ${issue === undefined ? '?' : v.getDotPath(issue)}: ${issue?.message}`);
}

function bad(why: string, cause?: unknown): BinfmtctlError {
  return new BinfmtctlError('BAD_PACKAGE', why, {
    hint: 'use a container image; registries also hold other artifacts, such as charts and signatures',
    cause,
  });
}
