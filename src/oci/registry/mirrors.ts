/** Registry mirrors and the order of endpoints. */

import { BinfmtctlError } from '../../errors.ts';
import { isHost, isLoopback } from '../../text/host.ts';
import { isRecord, parseJson } from '../../text/json.ts';
import { printReference, type Reference } from '../reference.ts';
import type { ContainerdHost } from './containerd-hosts.ts';
import type { RegistryPlaces } from './containers-registries.ts';

/** A host that can serve an image. */
export interface Endpoint {
  /** Its name in credential files and certificate directories: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** `https://registry-1.docker.io`. */
  readonly origin: string;
  /** Path prefix of the requests. */
  readonly api: string;
  readonly repository: string;
  /** Plain HTTP is allowed if TLS fails. */
  readonly mayBePlain: boolean;
  /** For a mirror of several registries: the registry to answer for. */
  readonly namespace?: string | undefined;
  /** Certificate files from containerd's configuration. */
  readonly files?: Pick<ContainerdHost, 'ca' | 'client'> | undefined;
}

/** Mirrors from the user's environment and from the configuration of other tools. */
export interface MirrorSettings {
  /** Value of BINFMTCTL_REGISTRY_MIRRORS: `docker.io=mirror.example,ghcr.io=http://cache:5000/ghcr`. */
  readonly mirrors: string;
  /** Text of Docker's daemon.json, whose `registry-mirrors` apply to docker.io; empty if there is none. */
  readonly daemon: string;
  /** From containerd, for this registry. */
  readonly containerd: readonly ContainerdHost[];
  /** From the containers tools, for this image. */
  readonly containers: RegistryPlaces | null;
}

/** Docker Hub's registry is not at docker.io itself. */
const DOCKER_HUB = 'registry-1.docker.io';
const DOCKER_HUB_ORIGINS = ['https://docker.io', 'https://index.docker.io', `https://${DOCKER_HUB}`];
const MIRROR = /^([^=\s]+)=(?:(https?):\/\/)?([^/\s]+)((?:\/[a-z0-9._-]+)*)\/?$/;

/**
 * Lists the endpoints for an image: its mirrors in order, then its registry. A reference with `http://` uses plain
 * HTTP. For registries on this machine, and those that registries.conf marks as insecure, plain HTTP is the fallback.
 *
 * @throws BAD_SOURCE if a mirror is invalid, or if registries.conf blocks the image.
 */
export function endpointsOf(reference: Reference, settings: MirrorSettings): readonly Endpoint[] {
  const { registry, repository, scheme } = reference;
  const { containers } = settings;
  if (containers?.blocked) throw blocked(reference);
  const named = settings.mirrors.split(/[\s,]+/).filter((text) => text !== '');
  const simple = [
    ...named.map(parseMirror).filter((mirror) => mirror.of === registry),
    ...(registry === 'docker.io' ? daemonMirrors(settings.daemon) : []),
  ].map(({ host, scheme, path }) => endpointOf(host, `${path}${repository}`, { scheme }));
  const own = scheme === null ? (containers?.own ?? null) : null;
  const all = [
    ...simple,
    ...settings.containerd
      .filter(({ origin }) => registry !== 'docker.io' || !DOCKER_HUB_ORIGINS.includes(origin))
      .map((host) => containerdEndpoint(host, reference)),
    ...(containers?.mirrors ?? []).map((each) => endpointOf(each.host, each.repository, each)),
    own === null
      ? endpointOf(registry, repository, { scheme: scheme ?? undefined })
      : endpointOf(own.host, own.repository, own),
  ];
  const keyOf = ({ origin, api, repository }: Endpoint): string => `${origin}${api}/${repository}`;
  return all.filter((each, index) => all.findIndex((other) => keyOf(other) === keyOf(each)) === index);
}

function endpointOf(
  host: string,
  repository: string,
  { scheme, insecure = false }: { readonly scheme?: string | undefined; readonly insecure?: boolean },
): Endpoint {
  const origin = `${scheme ?? 'https'}://${host === 'docker.io' ? DOCKER_HUB : host}`;
  const mayBePlain = scheme === undefined && (insecure || isLoopback(host));
  return { registry: host, origin, api: '/v2', repository, mayBePlain };
}

/**
 * The `ns` parameter tells a mirror of several registries which one to answer for (containerd,
 * core/remotes/docker/resolver.go).
 */
function containerdEndpoint(
  { origin, api, ca, client }: ContainerdHost,
  { registry, repository }: Reference,
): Endpoint {
  const { host } = new URL(origin);
  const namespace = host === registry ? undefined : registry;
  return { registry: host, origin, api, repository, mayBePlain: false, namespace, files: { ca, client } };
}

const blocked = (reference: Reference): BinfmtctlError =>
  new BinfmtctlError('BAD_SOURCE', `registries.conf blocks the image ${printReference(reference)}`, {
    hint: 'use another image with `--source oci:IMAGE`, or change the rule; see containers-registries.conf(5)',
  });

interface Mirror {
  readonly of: string;
  readonly scheme: string | undefined;
  readonly host: string;
  /** Empty, or a path with a slash at its end. */
  readonly path: string;
}

function parseMirror(text: string): Mirror {
  const [, of = '', scheme, host = '', path = ''] = MIRROR.exec(text) ?? [];
  if (isHost(of) && isHost(host)) return { of, scheme, host, path: path === '' ? '' : `${path.slice(1)}/` };
  throw new BinfmtctlError('BAD_SOURCE', `invalid registry mirror ${JSON.stringify(text)}`, {
    hint: 'set BINFMTCTL_REGISTRY_MIRRORS to a list such as docker.io=mirror.example,ghcr.io=http://cache:5000/ghcr',
  });
}

/** Skips invalid entries silently: Docker itself reports them. */
function daemonMirrors(text: string): readonly Mirror[] {
  const settings = parseJson(text);
  const list = isRecord(settings) ? settings['registry-mirrors'] : null;
  return (Array.isArray(list) ? list : []).flatMap((each) => {
    const [, scheme, host = ''] = /^(https?):\/\/([^/]+)\/?$/.exec(String(each)) ?? [];
    return isHost(host) ? [{ of: 'docker.io', scheme, host, path: '' }] : [];
  });
}
