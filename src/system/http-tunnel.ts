import type { Socket } from 'node:net';
import { failure } from './http-error.ts';
import { proxyAuthorization } from './http-proxy.ts';

export interface TunnelOptions {
  /** PEM of the authorities whose certificates count; undefined for Node's own. */
  readonly ca: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A TLS connection to the host of `url` through a proxy (RFC 9110 9.3.6 CONNECT). Errors are Node's own. */
export async function openTunnel(proxy: URL, url: URL, options: TunnelOptions): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const raw = await connect(proxy, `${url.hostname}:${url.port || 443}`, options);
  const [tls, { isIP }] = await Promise.all([import('node:tls'), import('node:net')]);
  const { ca } = options;
  return tls.connect({
    socket: raw,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    ALPNProtocols: ['http/1.1'],
  });
}

async function connect(
  proxy: URL,
  target: string,
  { ca, timeoutMs, signal }: TunnelOptions,
): Promise<Socket> {
  const { request } = await (proxy.protocol === 'https:' ? import('node:https') : import('node:http'));
  return new Promise((resolve, reject) => {
    const asked = request(proxy, {
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...proxyAuthorization(proxy) },
      agent: false,
      signal,
      ...(ca === undefined ? {} : { ca }),
    });
    const late = setTimeout(() => asked.destroy(failure('STALLED', 'no answer of the proxy')), timeoutMs);
    asked.on('error', reject);
    asked.on('close', () => clearTimeout(late));
    asked.once('connect', ({ statusCode }, socket) => {
      clearTimeout(late);
      if (statusCode === 200) return resolve(socket as Socket);
      socket.destroy();
      reject(failure('PROXY', `the proxy ${proxy.host} answers with status ${statusCode}`));
    });
    asked.once('response', ({ statusCode }) => {
      asked.destroy(failure('PROXY', `the proxy ${proxy.host} answers with status ${statusCode}`));
    });
    asked.end();
  });
}
