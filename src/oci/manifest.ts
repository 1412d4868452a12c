/** Indexes, manifests and configurations of images: OCI image-spec v1.1 and Docker's version 2, schema 2. */

import * as v from 'valibot';
import type { Compression } from '../archive/compression.ts';
import { BinfmtctlError } from '../errors.ts';
import { isRecord } from '../text/json.ts';
import type { Platform } from './platform.ts';
import { isDigest } from './reference.ts';

/** What says of some bytes which they are. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** Bytes. */
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
  /** The lowest one first. */
  readonly layers: readonly Descriptor[];
}

export interface ImageConfig extends Platform {
  /** sha256 of each layer before it was compressed, the lowest one first. */
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
/** What we ask a registry for. */
export const ACCEPT = [...INDEXES, ...MANIFESTS].join(', ');

/** Registries take no larger manifest (distribution-spec, "Pushing Manifests"). */
export const MAX_MANIFEST = 4 * 1024 * 1024;
/** No image needs more; overlayfs takes 500 at most. */
const MAX_LAYERS = 500;
const MAX_MANIFESTS = 1000;

const LAYER =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar)(?:[+.](gzip|zstd))?$/;

/** How the bytes of a layer are compressed. BAD_PACKAGE for what is no layer of files. */
export function layerCompression(mediaType: string): Compression {
  const match = LAYER.exec(mediaType);
  if (match === null) throw bad(`a layer is of the type ${JSON.stringify(mediaType)}`);
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
  digest: v.pipe(v.string(), v.check(isDigest, 'must be sha256: and 64 hex digits')),
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
 * Reads an index or a manifest.
 *
 * @param mediaType what it was said to be, by a registry or a descriptor; empty where nobody said it
 * @throws BAD_PACKAGE for what is neither or both, or another thing than was said.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string): Index | Manifest {
  const document = decodeJsonObject(bytes, 'the manifest');
  const own = typeof document['mediaType'] === 'string' ? document['mediaType'] : '';
  if (document['schemaVersion'] === 1 || /manifest\.v1\+/.test(own)) {
    if (!isManifestType(own)) throw bad('its manifest is of schema 1, which Docker gave up in 2017');
  }
  const wrong = [own, mediaType].find((each) => each !== '' && !isIndexType(each) && !isManifestType(each));
  if (wrong !== undefined) throw bad(`its manifest is of the type ${JSON.stringify(wrong)}`);
  // What can be read as either is taken for one thing by some and for another by others: CVE-2021-41190.
  const isIndex = 'manifests' in document;
  if (isIndex === ('layers' in document || 'config' in document)) {
    throw bad('its manifest is neither an index nor the manifest of one image');
  }
  if ([own, mediaType].some((each) => each !== '' && isIndexType(each) !== isIndex)) {
    throw bad(`its manifest is not the ${JSON.stringify(own || mediaType)} that it is said to be`);
  }
  return isIndex
    ? { kind: 'index', ...check(index, document, 'its index') }
    : { kind: 'manifest', ...check(manifest, document, 'its manifest') };
}

/** Reads the configuration of an image. BAD_PACKAGE for what is none. */
export function parseConfig(bytes: Uint8Array): ImageConfig {
  const { rootfs, variant, ...rest } = check(
    config,
    decodeJsonObject(bytes, 'the configuration'),
    'its configuration',
  );
  return { ...rest, variant: variant || null, diffIds: rootfs.diff_ids };
}

/** Reads a JSON object. BAD_PACKAGE for anything else. */
export function decodeJsonObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw bad(`${what} is not JSON`, cause);
  }
  if (isRecord(value)) return value;
  throw bad(`${what} is no JSON object`);
}

function check<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const { success, output, issues } = v.safeParse(schema, value, { abortEarly: true });
  if (success) return output;
  const [issue] = issues;
  throw bad(`${what} is wrong at ${issue === undefined ? '?' : v.getDotPath(issue)}: ${issue?.message}`);
}

function bad(why: string, cause?: unknown): BinfmtctlError {
  return new BinfmtctlError('BAD_PACKAGE', why, {
    hint: 'is it an image of programs? Others, such as charts and signatures, are kept in registries too',
    cause,
  });
}
