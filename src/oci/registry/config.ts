/** Registry configuration of this machine: Docker, containerd, and the containers tools (Podman, Skopeo, Buildah). */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { listNames } from '../../system/file/list.ts';
import { readSmall } from '../../system/file/read-small.ts';
import type { Reference } from '../reference.ts';
import { type ContainerdHost, containerdDirectories, containerdHosts } from './containerd-hosts.ts';
import { placesFor, type RegistryPlaces, registryRules } from './containers-registries.ts';
import { type Endpoint, endpointsOf } from './mirrors.ts';

export type Warn = (text: string) => void;

const DOCKER_DAEMON = '/etc/docker/daemon.json';
export const CONTAINERD = '/etc/containerd/certs.d';

/**
 * Lists the endpoints for an image. Skips configuration files that cannot be read, with a warning if they exist.
 *
 * @throws BAD_SOURCE; see `endpointsOf`.
 */
export async function findEndpoints(reference: Reference, warn: Warn): Promise<readonly Endpoint[]> {
  return endpointsOf(reference, {
    mirrors: process.env['BINFMTCTL_REGISTRY_MIRRORS'] ?? '',
    daemon: reference.registry === 'docker.io' ? (readText(DOCKER_DAEMON, warn) ?? '') : '',
    containerd: await containerdFor(reference.registry, warn),
    containers: await containersFor(reference, warn),
  });
}

async function containerdFor(registry: string, warn: Warn): Promise<readonly ContainerdHost[]> {
  for (const name of containerdDirectories(registry)) {
    const directory = join(CONTAINERD, name);
    const document = await readToml(join(directory, 'hosts.toml'), warn);
    if (document === null) continue;
    const at = (path: string): string => (path.startsWith('/') ? path : join(directory, path));
    return containerdHosts(document).map((host) => ({
      ...host,
      ca: host.ca.map(at),
      client: host.client.map(([cert, key]) => [at(cert), at(key)] as const),
    }));
  }
  return [];
}

async function containersFor(reference: Reference, warn: Warn): Promise<RegistryPlaces | null> {
  const paths = registriesFiles();
  const documents = await Promise.all(paths.map((path) => readToml(path, warn)));
  return placesFor(registryRules(documents), reference);
}

/** The main file, then its drop-ins; later files override earlier ones. */
function registriesFiles(): readonly string[] {
  const { CONTAINERS_REGISTRIES_CONF = '', HOME = homedir() } = process.env;
  const [system, user] = ['/etc/containers', join(HOME, '.config/containers')];
  const main = [join(user, 'registries.conf'), join(system, 'registries.conf')];
  const dropIns = [system, user].flatMap((parent) => {
    const directory = join(parent, 'registries.conf.d');
    return filesIn(directory, '.conf').map((name) => join(directory, name));
  });
  const chosen = CONTAINERS_REGISTRIES_CONF || main.find((path) => readText(path, () => {}) !== null);
  return [...(chosen === undefined ? [] : [chosen]), ...dropIns];
}

/** Lists the files with this suffix, sorted. Empty if the directory does not exist. */
export function filesIn(directory: string, suffix: string): readonly string[] {
  try {
    return listNames(directory)
      .filter((name) => name.endsWith(suffix))
      .toSorted();
  } catch {
    return [];
  }
}

async function readToml(path: string, warn: Warn): Promise<unknown> {
  const text = readText(path, warn);
  if (text === null) return null;
  try {
    const { parse } = await import('smol-toml');
    return parse(text);
  } catch {
    // The parser's message quotes the file, which can contain secrets.
    warn(`ignored ${path}: it is not valid TOML`);
    return null;
  }
}

function readText(path: string, warn: Warn): string | null {
  try {
    return new TextDecoder().decode(readSmall(path));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!['ENOENT', 'ENOTDIR'].includes(code)) warn(`ignored ${path}: it cannot be read (${code})`);
    return null;
  }
}
