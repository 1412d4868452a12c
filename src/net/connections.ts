import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { failure, nodeError } from './error.ts';
import { holdEnd } from './hold-end.ts';
import { proxyAuthorization } from './proxy.ts';
import type { TlsOptions } from './tls.ts';

/** How to reach a server. */
export interface Route {
  /** Node's options for a TLS connection to the server, or to a proxy that forwards plain HTTP. */
  readonly tls: TlsOptions;
  /** The proxy for a tunnel (RFC 9110 9.3.6 CONNECT), with Node's options for a TLS connection to it. */
  readonly tunnel: { readonly proxy: URL; readonly tls: TlsOptions } | null;
  /** Whether a proxy forwards the request, so that its Host is not the server of the connection. */
  readonly isForwarded: boolean;
  /** Time limit for the connection, for the proxy's response, and for the TLS handshake. */
  readonly answerMs: number;
  /** Closes the connections. */
  readonly signal: AbortSignal;
}

/** The connections of a transfer. */
interface Opened {
  readonly dispatchers: Map<string, Promise<Dispatcher>>;
  /** Closes connections, even while they are being established. */
  readonly signal: AbortSignal;
}

/** By the signal of the transfer: its requests share connections, and its end closes them. */
const known = new WeakMap<AbortSignal, Opened>();

/** Returns undici's dispatcher for a route. It keeps an idle connection open for a few seconds. */
export function dispatcherFor(route: Route): Promise<Dispatcher> {
  const { signal: ofTransfer, ...rest } = route;
  const { dispatchers, signal } = known.get(ofTransfer) ?? openTransfer(ofTransfer);
  const key = JSON.stringify(rest);
  const dispatcher = dispatchers.get(key) ?? openDispatcher({ ...rest, signal });
  dispatchers.set(key, dispatcher);
  return dispatcher;
}

/**
 * Opens a transfer with a signal of its own: every connection adds a listener to it, which Node 20 never removes (node lib/net.js
 * addClientAbortSignalOption()).
 */
function openTransfer(signal: AbortSignal): Opened {
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  signal.addEventListener('abort', () => ending.abort(signal.reason), { once: true });
  const opened = { dispatchers: new Map(), signal: ending.signal };
  known.set(signal, opened);
  return opened;
}

async function openDispatcher({ tls, tunnel, isForwarded, answerMs, signal }: Route): Promise<Dispatcher> {
  const { Agent, buildConnector, Pool, ProxyAgent } = await import('undici');
  const limited = (options: TlsOptions) => ({ ...options, timeout: answerMs, signal });
  /** undici expects the Host in the certificate, but a proxy has its own name there. */
  const connectToProxy = (options: TlsOptions): Connector => {
    const connect = buildConnector(limited(options));
    return ({ servername: _, ...target }, done) => connect(target as buildConnector.Options, done);
  };
  if (tunnel === null) {
    const connect = isForwarded ? connectToProxy(tls) : buildConnector(limited(tls));
    return new Agent({ connect: holdingEnds(connect) });
  }
  return new ProxyAgent({
    uri: tunnel.proxy.href,
    headers: proxyAuthorization(tunnel.proxy),
    requestTls: limited(tls),
    factory: (origin, options) => {
      const { connect } = options as { readonly connect: Connector };
      return new Pool(origin, { ...options, connect: holdingEnds(connect) });
    },
    clientFactory: (origin) => {
      const settings = { connect: connectToProxy(tunnel.tls), headersTimeout: answerMs };
      return markErrors(new Pool(origin, settings), answerMs);
    },
  });
}

type Connector = buildConnector.connector;

const holdingEnds =
  (connect: Connector): Connector =>
  (target, done) =>
    connect(target, (...[error, socket]) =>
      error === null ? done(null, holdEnd(socket)) : done(error, null),
    );

/**
 * Marks errors of a proxy, to distinguish them from errors of the server. Also keeps ProxyAgent from reconnecting forever if a
 * proxy closes the connection (undici lib/dispatcher/client.js onError()).
 */
function markErrors(pool: Dispatcher, answerMs: number): Dispatcher {
  const connect = async (options: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData> => {
    try {
      const answer = await (pool.connect as typeof connect)(options);
      if (answer.statusCode === 200) return answer;
      (answer.socket as Socket).on('error', () => {}).destroy();
      throw failure('PROXY', `status ${answer.statusCode}`);
    } catch (error) {
      throw Object.assign(nodeError(error, answerMs), { isOfProxy: true });
    }
  };
  // ProxyAgent calls no other methods.
  return { connect, close: () => pool.close(), destroy: () => pool.destroy() } as Dispatcher;
}
