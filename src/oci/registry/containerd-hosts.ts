/** hosts.toml of containerd (docs/hosts.md): the hosts that serve the images of a registry. */

import { isHost } from '../../text/host.ts';
import { isRecord } from '../../text/json.ts';

export interface ContainerdHost {
  /** `https://mirror.example:5000`. */
  readonly origin: string;
  /** Path prefix of the requests: `/v2`, or a longer path. */
  readonly api: string;
  /** Absolute paths, or relative to the directory of hosts.toml. */
  readonly ca: readonly string[];
  /** Certificate and key files; the same file twice if it contains both. */
  readonly client: readonly (readonly [cert: string, key: string])[];
}

/** The directories of a registry below `certs.d`; containerd uses the first one that exists. */
export function containerdDirectories(registry: string): readonly string[] {
  const withPort = /^(.+):(\d+)$/.exec(registry);
  return [...(withPort === null ? [] : [`${withPort[1]}_${withPort[2]}_`]), registry, '_default'];
}

/**
 * Lists the hosts in order, `server` last. Skips invalid addresses and hosts without the pull and resolve capabilities.
 */
export function containerdHosts(document: unknown): readonly ContainerdHost[] {
  if (!isRecord(document)) return [];
  const hosts = isRecord(document['host']) ? Object.entries(document['host']) : [];
  const server = typeof document['server'] === 'string' ? [[document['server'], document] as const] : [];
  return [...hosts, ...server].flatMap(([url, table]) => (isRecord(table) ? (hostOf(url, table) ?? []) : []));
}

function hostOf(text: string, table: Record<string, unknown>): ContainerdHost | null {
  const full = text.includes('://') ? text : `https://${text}`;
  const url = URL.canParse(full) ? new URL(full) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || !isHost(url.host) || url.username !== '')
    return null;
  const capabilities = table['capabilities'];
  if (Array.isArray(capabilities) && !['pull', 'resolve'].every((each) => capabilities.includes(each)))
    return null;
  const path = url.pathname.replace(/\/+$/, '');
  const api = table['override_path'] === true && path !== '' ? path : `${path}/v2`;
  return { origin: url.origin, api, ca: texts(table['ca']), client: clientsOf(table['client']) };
}

/** The value is a file, a pair, or a list of either. */
function clientsOf(value: unknown): ContainerdHost['client'] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((each): ContainerdHost['client'] => {
    const [cert, key = cert] = texts(each);
    return cert === undefined || key === undefined ? [] : [[cert, key]];
  });
}

const texts = (value: unknown): readonly string[] =>
  [value].flat().filter((each): each is string => typeof each === 'string' && each !== '');
