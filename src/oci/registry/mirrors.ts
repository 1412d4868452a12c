/** Registries that keep copies of what others have. */

import { BinfmtctlError } from '../../errors.ts';
import { isHost, isLoopback } from '../../text/host.ts';
import { isRecord, parseJson } from '../../text/json.ts';
import { printReference, type Reference } from '../reference.ts';
import type { ContainerdHost } from './containerd-hosts.ts';
import type { RegistryPlaces } from './containers-registries.ts';

/** Where an image can be asked for. */
export interface Endpoint {
  /** As logins and certificates name it: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** `https://registry-1.docker.io`. */
  readonly origin: string;
  /** Path that requests begin with. */
  readonly api: string;
  readonly repository: string;
  /** Speaks plain HTTP if it does not speak TLS. */
  readonly mayBePlain: boolean;
  /** The registry that a mirror is to answer for, if it has to be told. */
  readonly namespace?: string | undefined;
  /** Files that containerd names for it. */
  readonly files?: Pick<ContainerdHost, 'ca' | 'client'> | undefined;
}

/** What others have configured of mirrors. */
export interface MirrorSettings {
  /** The user's own: `docker.io=mirror.example,ghcr.io=http://cache:5000/ghcr`. */
  readonly mirrors: string;
  /** Text of Docker's daemon.json, whose `registry-mirrors` are for docker.io; empty if there is none. */
  readonly daemon: string;
  /** Of containerd, for this registry. */
  readonly containerd: readonly ContainerdHost[];
  /** Of the containers tools, for this image. */
  readonly containers: RegistryPlaces | null;
}

/** Docker's own registry answers elsewhere than where its name leads to. */
const DOCKER_HUB = 'registry-1.docker.io';
const DOCKER_HUB_ORIGINS = ['https://docker.io', 'https://index.docker.io', `https://${DOCKER_HUB}`];
const MIRROR = /^([^=\s]+)=(?:(https?):\/\/)?([^/\s]+)((?:\/[a-z0-9._-]+)*)\/?$/;

/**
 * Lists the endpoints for an image: its mirrors in order, then its registry. A source with `http://` uses plain HTTP. Registries
 * on this machine, and those that registries.conf marks as insecure, try TLS first.
 *
 * @throws BAD_SOURCE for an invalid mirror, and for an image that registries.conf blocks.
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

/** A mirror of several registries is told which one is meant (containerd, core/remotes/docker/resolver.go, `ns`). */
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
    hint: 'name another image with --source oci:IMAGE, or see containers-registries.conf(5)',
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
  throw new BinfmtctlError('BAD_SOURCE', `${JSON.stringify(text)} names no mirror of a registry`, {
    hint: 'BINFMTCTL_REGISTRY_MIRRORS is a list such as docker.io=mirror.example,ghcr.io=http://cache:5000/ghcr',
  });
}

/** What is not as Docker wants it is Docker's to complain of. */
function daemonMirrors(text: string): readonly Mirror[] {
  const settings = parseJson(text);
  const list = isRecord(settings) ? settings['registry-mirrors'] : null;
  return (Array.isArray(list) ? list : []).flatMap((each) => {
    const [, scheme, host = ''] = /^(https?):\/\/([^/]+)\/?$/.exec(String(each)) ?? [];
    return isHost(host) ? [{ of: 'docker.io', scheme, host, path: '' }] : [];
  });
}
