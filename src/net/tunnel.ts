import type { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { failure, stalled } from './error.ts';
import { proxyAuthorization } from './proxy.ts';

export interface TunnelOptions {
  /** Node's options for the host and, if it speaks TLS, for the proxy. */
  readonly tls: ConnectionOptions;
  readonly proxyTls: ConnectionOptions;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A TLS connection to the host of `url` through a proxy (RFC 9110 9.3.6 CONNECT). Errors are Node's own. */
export async function openTunnel(proxy: URL, url: URL, options: TunnelOptions): Promise<Socket> {
  const raw = await connect(proxy, `${url.hostname}:${url.port || 443}`, options);
  const [tls, { isIP }] = await Promise.all([import('node:tls'), import('node:net')]);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const { tls: settings, timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    const secure: TLSSocket = tls.connect({
      socket: raw,
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...settings,
      ALPNProtocols: ['http/1.1'],
    });
    const stop = (): void => void secure.destroy(stalled('no handshake', timeoutMs));
    const late = setTimeout(stop, timeoutMs);
    signal.addEventListener('abort', stop);
    // It stays: nobody else listens until a request has taken the connection.
    secure.on('error', reject);
    secure.on('close', () => reject(failure('ECONNRESET', 'the tunnel was closed')));
    secure.once('secureConnect', () => {
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
      resolve(secure);
    });
    secure.once('close', () => {
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
    });
  });
}

async function connect(proxy: URL, target: string, options: TunnelOptions): Promise<Socket> {
  const { proxyTls, timeoutMs, signal } = options;
  const { request } = await (proxy.protocol === 'https:' ? import('node:https') : import('node:http'));
  return new Promise((resolve, reject) => {
    const asked = request(proxy, {
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...proxyAuthorization(proxy) },
      agent: false,
      signal,
      ...proxyTls,
    });
    const refused = (status: number | undefined): Error =>
      failure('PROXY', `it answers with status ${status}`);
    const late = setTimeout(() => asked.destroy(stalled('no answer', timeoutMs)), timeoutMs);
    const fail = (error: Error): void => reject(Object.assign(error, { ofProxy: true }));
    asked.on('error', fail);
    asked.on('close', () => clearTimeout(late));
    asked.once('connect', ({ statusCode }, socket) => {
      clearTimeout(late);
      if (statusCode === 200) return resolve(socket as Socket);
      socket.destroy();
      fail(refused(statusCode));
    });
    asked.once('response', ({ statusCode }) => {
      asked.destroy(refused(statusCode));
    });
    asked.end();
  });
}
