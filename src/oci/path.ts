import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { kindOf } from '../system/file/file-kind.ts';
import { requireTrusted } from '../system/require-trusted.ts';
import { layersFor } from './layers.ts';
import { INDEX, isLayout, layersOfArchive, MANIFEST, openLayout } from './layout.ts';
import { membersOfArchive, membersOfFolder } from './members.ts';
import type { Platform } from './platform.ts';
import { isDigest } from './reference.ts';
import type { Layer } from './types.ts';

/** An image of this machine: where it is, and the digest of the one that is meant, where it is named. */
export interface ImagePath {
  readonly path: string;
  readonly digest: string | null;
}

/** A directory for what is unpacked, and whether the caller compares what it gets with known bytes. */
export interface LayerAccess {
  readonly workDirectory: string;
  readonly verified?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** Reads `./PATH[@DIGEST]`, `/PATH[@DIGEST]`; null for what begins otherwise. */
export function parseImagePath(value: string): ImagePath | null {
  if (!/^\.{0,2}\//.test(value)) return null;
  const [path, digest] = splitDigest(value);
  return { path: resolve(path), digest };
}

/** The value without the digest at its end, and that. */
export function splitDigest(value: string): readonly [name: string, digest: string | null] {
  const at = value.lastIndexOf('@');
  const digest = at > 0 && isDigest(value.slice(at + 1)) ? value.slice(at + 1) : null;
  return [digest === null ? value : value.slice(0, at), digest];
}

/**
 * The layers of an image in an OCI layout or in an archive, which is unpacked below `work`.
 *
 * @throws BAD_SOURCE for what is neither; EMULATOR_UNFIT where others can change it and nothing says what it has to be;
 * SOURCE_FAILED, BAD_PACKAGE, INTERRUPTED.
 */
export async function layersAt(
  { path, digest }: ImagePath,
  platforms: readonly Platform[],
  { workDirectory, verified, signal }: LayerAccess,
): Promise<readonly Layer[]> {
  const facts = await stat(path).catch((cause) => {
    throw new BinfmtctlError('BAD_SOURCE', `${path} cannot be read`, { hint: HINT, cause });
  });
  const isFolder = facts.isDirectory();
  // A pipe or a device is not even opened.
  if (!isFolder && !facts.isFile())
    throw new BinfmtctlError('BAD_SOURCE', `${path} is ${kindOf(facts)}`, { hint: HINT });
  const members = isFolder ? membersOfFolder(path) : await membersOfArchive(path, workDirectory, signal);
  const isIndexed = await isLayout(members, path);
  // All else is named by digest, down from there.
  const top = isFolder ? join(path, isIndexed ? INDEX : MANIFEST) : path;
  if (digest === null && verified !== true) await requireTrusted(top, { anyOwner: true, as: 'source' });
  return isIndexed
    ? layersFor(openLayout(path, members, digest), platforms)
    : layersOfArchive(path, members, digest, platforms);
}

const HINT = 'oci:./DIR names an OCI layout, oci:./FILE an archive, oci:NAME an image of a registry';
