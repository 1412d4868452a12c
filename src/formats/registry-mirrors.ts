/** Registries that keep copies of what others have. */
import { BinfmtctlError } from '../errors.ts';
import { isHost, isLoopback } from './host.ts';
import type { Reference } from './oci-reference.ts';

/** Where an image can be asked for. */
export interface Endpoint {
  /** As logins name it: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** `https://registry-1.docker.io`. */
  readonly origin: string;
  readonly repository: string;
}

/** Docker's own registry answers elsewhere than where its name leads to. */
const DOCKER_HUB = 'registry-1.docker.io';
const MIRROR = /^([^=\s]+)=(?:(https?):\/\/)?([^/\s]+)((?:\/[a-z0-9._-]+)*)\/?$/;

/**
 * Where to ask for an image: its mirrors in order, then its own registry. Plain HTTP is for this machine itself, and where it
 * is said.
 *
 * @param mirrors of the user: `docker.io=mirror.example,ghcr.io=http://cache:5000/ghcr`
 * @param daemon text of Docker's daemon.json, whose `registry-mirrors` are for docker.io; empty where there is none
 * @throws BAD_SOURCE for a mirror that is none.
 */
export function endpointsOf(reference: Reference, mirrors: string, daemon: string): readonly Endpoint[] {
  const { registry, repository, scheme } = reference;
  const own = originOf(registry === 'docker.io' ? DOCKER_HUB : registry, scheme ?? undefined);
  const named = mirrors.split(/[\s,]+/).filter((text) => text !== '');
  const found = [
    ...named.map(parseMirror).filter((mirror) => mirror.of === registry),
    ...(registry === 'docker.io' ? daemonMirrors(daemon) : []),
  ];
  return [
    ...found.map(({ host, scheme, path }) => ({
      registry: host,
      origin: originOf(host, scheme),
      repository: `${path}${repository}`,
    })),
    { registry, origin: own, repository },
  ];
}

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
  try {
    const list: unknown = JSON.parse(text)['registry-mirrors'];
    return (Array.isArray(list) ? list : []).flatMap((each) => {
      const [, scheme, host = ''] = /^(https?):\/\/([^/]+)\/?$/.exec(String(each)) ?? [];
      return isHost(host) ? [{ of: 'docker.io', scheme, host, path: '' }] : [];
    });
  } catch {
    return [];
  }
}

const originOf = (host: string, scheme: string | undefined): string =>
  `${scheme ?? (isLoopback(host) ? 'http' : 'https')}://${host}`;
