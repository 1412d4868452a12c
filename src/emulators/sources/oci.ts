import { mkdtemp, rm, stat } from 'node:fs/promises';
import { machine, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { hostPlatforms, type Platform } from '../../formats/oci-platform.ts';
import { isDigest, parseReference } from '../../formats/oci-reference.ts';
import { endpointsOf } from '../../formats/registry-mirrors.ts';
import { readTextIfExists } from '../../system/files.ts';
import type { Candidate } from '../types.ts';
import { LIMITS } from './limits.ts';
import { layersFor } from './oci-image.ts';
import { isLayout, layersOfArchive, openLayout } from './oci-layout.ts';
import { membersOfArchive, membersOfFolder } from './oci-members.ts';
import { openRegistry } from './oci-registry.ts';
import { takeFromLayers } from './oci-take.ts';
import type { Layer } from './oci-types.ts';
import type { PullOptions, Source, Want } from './types.ts';

/** Where emulators come from when no image is named: that of tonistiigi/binfmt for QEMU 10.2.3, the same for everybody. */
export const DEFAULT_IMAGE =
  'docker.io/tonistiigi/binfmt:qemu-v10.2.3-68@sha256:400a4873b838d1b89194d982c45e5fb3cda4593fbfd7e08a02e76b03b21166f0';

const DOCKER_DAEMON = '/etc/docker/daemon.json';

/**
 * `oci:[IMAGE]`: emulators out of a container image: of a registry, in an OCI layout (`oci:/DIR`, `oci:./DIR`) or in an
 * archive of `docker save` or `skopeo` (`oci:/FILE`), each with a digest or without. What it has not is left out.
 *
 * @throws BAD_SOURCE for what names no image; SOURCE_FAILED; BAD_PACKAGE for wrong digests, media types, archives, names and
 * links; INTERRUPTED; what the store throws. Nothing is stored then.
 */
export const fetchOci: Source = (value, wants, options) =>
  pullImage(value, wants, { ...options, limits: LIMITS }, hostPlatforms(options.host, machine()));

/** As `fetchOci`, with the platforms of a machine and the limits of its network. */
export async function pullImage(
  value: string,
  wants: readonly Want[],
  options: PullOptions,
  platforms: readonly Platform[],
): Promise<readonly Candidate[]> {
  const work = await mkdtemp(join(tmpdir(), 'binfmtctl-oci-'));
  const { report } = options;
  try {
    const isPath = /^\.{0,2}\//.test(value);
    const { name, layers } = isPath
      ? await openPath(value, work, platforms, options.signal)
      : await openReference(value, options, platforms);
    report({
      kind: 'text',
      text: `oci: ${name} has ${layers.length} layer${layers.length === 1 ? '' : 's'}`,
    });
    return await takeFromLayers(layers, wants, { ...options, work, name, origin: 'oci' });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface Opened {
  readonly name: string;
  readonly layers: readonly Layer[];
}

async function openReference(
  value: string,
  options: PullOptions,
  platforms: readonly Platform[],
): Promise<Opened> {
  const reference = parseReference(value === '' ? DEFAULT_IMAGE : value);
  const { BINFMTCTL_REGISTRY_MIRRORS = '' } = process.env;
  const daemon =
    reference.registry === 'docker.io' ? await readTextIfExists(DOCKER_DAEMON).catch(() => null) : null;
  const endpoints = endpointsOf(reference, BINFMTCTL_REGISTRY_MIRRORS, daemon ?? '');
  const images = openRegistry(reference, endpoints, options);
  options.report({ kind: 'text', text: `oci: reading ${images.name}` });
  return { name: images.name, layers: await layersFor(images, platforms) };
}

async function openPath(
  value: string,
  work: string,
  platforms: readonly Platform[],
  signal: AbortSignal,
): Promise<Opened> {
  const at = value.lastIndexOf('@');
  const digest = at > 0 && isDigest(value.slice(at + 1)) ? value.slice(at + 1) : null;
  const path = resolve(digest === null ? value : value.slice(0, at));
  const facts = await stat(path).catch((cause) => {
    throw new BinfmtctlError('BAD_SOURCE', `${path} cannot be read`, {
      hint: 'oci:DIR names an OCI layout, oci:FILE an archive, oci:NAME an image of a registry',
      cause,
    });
  });
  const members = facts.isDirectory() ? membersOfFolder(path) : await membersOfArchive(path, work, signal);
  const layers = (await isLayout(members, path))
    ? await layersFor(openLayout(path, members, digest), platforms)
    : await layersOfArchive(path, members, digest, platforms);
  return { name: path, layers };
}
