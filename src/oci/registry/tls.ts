import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TlsSettings } from '../../net/tls.ts';
import { readSmall } from '../../system/file/read-small.ts';
import { isHost, isLoopback } from '../../text/host.ts';
import { CONTAINERD, filesIn, type Warn } from './config.ts';
import type { Endpoint } from './mirrors.ts';

/**
 * Returns the certificate authorities and client certificates for each URL: those in containerd's configuration of the
 * endpoint, otherwise those of the first engine with a directory `certs.d/HOST`. After a redirect, those of the new
 * host.
 */
export function tlsSettings(
  { origin, files, mayBePlain }: Endpoint,
  warn: Warn,
): (url: URL) => TlsSettings | null {
  const known = new Map<string, TlsSettings | null>();
  const find = (url: URL): TlsSettings | null => {
    const isOwn = url.origin === origin;
    const named = isOwn && files !== undefined ? readFiles(files.ca, files.client, warn) : null;
    const settings = named ?? fromDirectory(url.host, warn);
    // Plain HTTP is allowed anyway, so an unverified certificate adds no risk. A configured authority must have signed
    // it.
    const isUnverified = isOwn && mayBePlain && isLoopback(url.host) && (settings?.ca.length ?? 0) === 0;
    return isUnverified ? { ca: [], cert: [], key: [], ...settings, isUnverified } : settings;
  };
  return (url) => {
    const settings = known.has(url.origin) ? known.get(url.origin) : find(url);
    known.set(url.origin, settings ?? null);
    return settings ?? null;
  };
}

function fromDirectory(host: string, warn: Warn): TlsSettings | null {
  if (!isHost(host)) return null;
  const { HOME = homedir() } = process.env;
  const roots = [
    join(HOME, '.config/containers/certs.d'),
    join(HOME, '.config/docker/certs.d'),
    '/etc/containers/certs.d',
    '/etc/docker/certs.d',
    CONTAINERD,
  ];
  for (const root of roots) {
    const directory = join(root, host);
    const at = (name: string): string => join(directory, name);
    const ca = filesIn(directory, '.crt').map(at);
    const client = filesIn(directory, '.cert').map(
      (name) => [at(name), at(name.replace(/cert$/, 'key'))] as const,
    );
    const settings = readFiles(ca, client, warn);
    if (settings !== null) return settings;
  }
  return null;
}

/** Null if none of the files can be read. */
function readFiles(
  ca: readonly string[],
  client: readonly (readonly [cert: string, key: string])[],
  warn: Warn,
): TlsSettings | null {
  const read = (path: string): string | null => {
    try {
      return new TextDecoder().decode(readSmall(path));
    } catch {
      warn(`ignored the certificate or key ${path}: it cannot be read`);
      return null;
    }
  };
  const authorities = ca.flatMap((path) => read(path) ?? []);
  const pairs = client.flatMap(([cert, key]) => {
    const [certText, keyText] = [read(cert), read(key)];
    return certText === null || keyText === null ? [] : [[certText, keyText] as const];
  });
  if (authorities.length === 0 && pairs.length === 0) return null;
  return { ca: authorities, cert: pairs.map(([cert]) => cert), key: pairs.map(([, key]) => key) };
}
