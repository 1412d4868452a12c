import { lstat, rm } from 'node:fs/promises';
import { machine } from 'node:os';
import type { Candidate } from '../emulators/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { LIMITS } from '../net/limits.ts';
import { withinTotalTime } from '../net/speed.ts';
import { layersFor } from '../oci/layers.ts';
import { type ImagePath, layersAt, parseImagePath, splitDigest } from '../oci/path.ts';
import { hostPlatforms, type Platform } from '../oci/platform.ts';
import { parseReference, printReference } from '../oci/reference.ts';
import { findEndpoints } from '../oci/registry/config.ts';
import { openRegistry } from '../oci/registry/registry.ts';
import type { Layer } from '../oci/types.ts';
import { digestOf, withArchiveName } from '../system/file/integrity.ts';
import { makeTemporaryDirectory } from '../system/temporary.ts';
import { takeFromLayers } from './oci-layers.ts';
import type { EmulatorTarget, FetchOptions, PullOptions, SourceFetcher } from './types.ts';

/** The default image: tonistiigi/binfmt with QEMU 10.2.3, pinned by digest. */
export const DEFAULT_IMAGE =
  'docker.io/tonistiigi/binfmt:qemu-v10.2.3-68@sha256:400a4873b838d1b89194d982c45e5fb3cda4593fbfd7e08a02e76b03b21166f0';

/** Ids of the emulators in the default image. */
export const DEFAULT_IMAGE_EMULATORS: readonly string[] = ['qemu'];

/** Their version, and the ids of the arches that they run. */
export const DEFAULT_IMAGE_VERSION = '10.2.3';
export const DEFAULT_IMAGE_GUESTS: readonly string[] = [
  ...['aarch64', 'arm', 'i386', 'loongarch64', 'mips64', 'mips64el', 'ppc64le', 'riscv64', 's390x', 'x86_64'],
];

/**
 * Fetches from `oci:[IMAGE]`: extracts emulators from a container image in a registry, in an OCI layout (`oci:/DIR`,
 * `oci:./DIR`) or in an archive of `docker save` or `skopeo` (`oci:/FILE`), each optionally with a digest. The result
 * lacks emulators that the image does not contain.
 *
 * @throws BAD_SOURCE if the image name is invalid; EMULATOR_UNFIT if other users can change a local image;
 * SOURCE_FAILED; BAD_PACKAGE for wrong digests, media types, archives, names and links; INTERRUPTED; errors of the
 * store. Nothing is stored then.
 */
export const fetchOci: SourceFetcher = (value, targets, options) =>
  withinTotalTime(options, (timed) =>
    pullImage(value, targets, { ...timed, limits: LIMITS }, hostPlatforms(options.host, machine())),
  );

/** Like `fetchOci`, with explicit platforms and network limits. */
export async function pullImage(
  value: string,
  targets: readonly EmulatorTarget[],
  options: PullOptions,
  platforms: readonly Platform[],
): Promise<readonly Candidate[]> {
  const workDirectory = await makeTemporaryDirectory();
  const { report } = options;
  try {
    const at = parseImagePath(value);
    const image =
      at === null ? await openReference(value, options) : openPath(at, { ...options, workDirectory });
    return await withArchiveName(image.name, async () => {
      const { name } = image;
      const { layers, source } = await image.read(platforms);
      report({
        kind: 'text',
        text: `oci: ${name} has ${layers.length} layer${layers.length === 1 ? '' : 's'}`,
      });
      const found = await takeFromLayers(layers, targets, { ...options, workDirectory, name, origin: 'oci' });
      return found.map((each) => (source === undefined ? each : { ...each, source }));
    });
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

interface Image {
  readonly name: string;
  readonly read: (platforms: readonly Platform[]) => Promise<{
    readonly layers: readonly Layer[];
    /** The source for a lock file, pinned by digest; undefined if the given name is already pinned. */
    readonly source?: string | undefined;
  }>;
}

const openPath = (at: ImagePath, options: FetchOptions & { readonly workDirectory: string }): Image => ({
  name: at.path,
  read: async (platforms) => ({ layers: await layersAt(at, platforms, options) }),
});

async function openReference(value: string, options: PullOptions): Promise<Image> {
  await assertNotLocal(value);
  const reference = parseReference(value === '' ? DEFAULT_IMAGE : value);
  const warn = (text: string): void => options.report({ kind: 'warning', text: `oci: ${text}` });
  const endpoints = await findEndpoints(reference, warn);
  const images = openRegistry(reference, endpoints, options);
  options.report({ kind: 'text', text: `oci: reading ${images.name}` });
  const read: Image['read'] = async (platforms) => {
    const top = await images.top();
    const layers = await layersFor({ ...images, top: async () => top }, platforms);
    const pinned = printReference({ ...reference, digest: digestOf(top.bytes) });
    const isPinned = value !== '' && reference.digest !== null;
    return { layers, source: isPinned ? undefined : `oci:${pinned}` };
  };
  return { name: images.name, read };
}

/** Refuses a name that matches a local file: the user probably means that file, not an image on Docker Hub. */
async function assertNotLocal(value: string): Promise<void> {
  const [path] = splitDigest(value);
  const facts = value === '' ? null : await lstat(path).catch(() => null);
  if (facts === null) return;
  const what = facts.isDirectory() ? 'directory' : 'file';
  throw new BinfmtctlError(
    'BAD_SOURCE',
    `ambiguous source oci:${value}: a ${what} ${path} exists in the current directory`,
    {
      hint: `use oci:./${value} for the ${what}, or the image's full name: oci:docker.io/OWNER/NAME:TAG`,
    },
  );
}
