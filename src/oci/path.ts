import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { fileError } from '../system/file/file-error.ts';
import { kindOf } from '../system/file/file-kind.ts';
import { requireTrusted } from '../system/require-trusted.ts';
import { layersFor } from './layers.ts';
import { INDEX, isLayout, layersOfArchive, MANIFEST, openLayout } from './layout.ts';
import { membersOfArchive, membersOfDirectory } from './members.ts';
import type { Platform } from './platform.ts';
import { isDigest } from './reference.ts';
import type { Layer } from './types.ts';

/** A local image: its path and, if given, the digest of the image to use. */
export interface ImagePath {
  readonly path: string;
  readonly digest: string | null;
}

/** `verified`: the caller compares the result with known digests. Archives are unpacked in `workDirectory`. */
export interface LayerAccess {
  readonly workDirectory: string;
  readonly verified?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** Parses `./PATH[@DIGEST]` or `/PATH[@DIGEST]`; null if the value is not a path. */
export function parseImagePath(value: string): ImagePath | null {
  if (!/^\.{0,2}\//.test(value)) return null;
  const [path, digest] = splitDigest(value);
  return { path: resolve(path), digest };
}

/** Splits `NAME[@DIGEST]`. */
export function splitDigest(value: string): readonly [name: string, digest: string | null] {
  const at = value.lastIndexOf('@');
  const digest = at > 0 && isDigest(value.slice(at + 1)) ? value.slice(at + 1) : null;
  return [digest === null ? value : value.slice(0, at), digest];
}

/**
 * Lists the layers of an image in an OCI layout or an archive.
 *
 * @throws BAD_SOURCE if it is neither; EMULATOR_UNFIT if other users can change it and no digest is known;
 * SOURCE_FAILED, BAD_PACKAGE, INTERRUPTED.
 */
export async function layersAt(
  { path, digest }: ImagePath,
  platforms: readonly Platform[],
  { workDirectory, verified, signal }: LayerAccess,
): Promise<readonly Layer[]> {
  const facts = await stat(path).catch((cause) => {
    const { message } = fileError(cause, `read ${path}`);
    throw new BinfmtctlError('BAD_SOURCE', message, { hint: HINT, cause });
  });
  const isDirectory = facts.isDirectory();
  // Opening a pipe or a device has side effects.
  if (!isDirectory && !facts.isFile())
    throw new BinfmtctlError('BAD_SOURCE', `${path} is ${kindOf(facts)}`, { hint: HINT });
  const members = isDirectory
    ? membersOfDirectory(path)
    : await membersOfArchive(path, workDirectory, signal);
  const isIndexed = await isLayout(members, path);
  // Every other file is verified by a digest that this one leads to.
  const top = isDirectory ? join(path, isIndexed ? INDEX : MANIFEST) : path;
  if (digest === null && verified !== true) await requireTrusted(top, { anyOwner: true, as: 'source' });
  return isIndexed
    ? layersFor(openLayout(path, members, digest), platforms)
    : layersOfArchive(path, members, digest, platforms);
}

const HINT =
  'use oci:./DIR for an OCI layout, oci:./FILE for an archive, oci:NAME for an image in a registry';
