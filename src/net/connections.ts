import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { failure, nodeError } from './error.ts';
import { holdEnd } from './hold-end.ts';
import { proxyAuthorization } from './proxy.ts';
import type { TlsOptions } from './tls.ts';

/** How a server is reached. */
export interface Route {
  /** Node's options for a TLS connection to the server, or to a proxy that passes plain HTTP on. */
  readonly tls: TlsOptions;
  /** The proxy that is asked for a tunnel (RFC 9110 9.3.6 CONNECT), with Node's options for itself. */
  readonly tunnel: { readonly proxy: URL; readonly tls: TlsOptions } | null;
  /** Whether the Host of a request is not the name of what is connected to. */
  readonly isPassedOn: boolean;
  /** For the connection, for the proxy's answer, and for the TLS handshake. */
  readonly answerMs: number;
  /** Ends its connections. */
  readonly signal: AbortSignal;
}

/** What a transfer has opened. */
interface Opened {
  readonly dispatchers: Map<string, Promise<Dispatcher>>;
  /** Ends connections, also while they are being made. */
  readonly signal: AbortSignal;
}

/** By the signals of transfers: the requests of one share connections, and its end leaves nothing behind. */
const known = new WeakMap<AbortSignal, Opened>();

/** Returns undici's dispatcher for a route. It keeps a connection for the next request for a few seconds. */
export function dispatcherFor(route: Route): Promise<Dispatcher> {
  const { signal: ofTransfer, ...rest } = route;
  const { dispatchers, signal } = known.get(ofTransfer) ?? openTransfer(ofTransfer);
  const key = JSON.stringify(rest);
  const dispatcher = dispatchers.get(key) ?? openDispatcher({ ...rest, signal });
  dispatchers.set(key, dispatcher);
  return dispatcher;
}

/** Of its own, as every connection listens to the signal, and Node 20 never stops to (node lib/net.js addClientAbortSignalOption()). */
function openTransfer(signal: AbortSignal): Opened {
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  signal.addEventListener('abort', () => ending.abort(signal.reason), { once: true });
  const opened = { dispatchers: new Map(), signal: ending.signal };
  known.set(signal, opened);
  return opened;
}

async function openDispatcher({ tls, tunnel, isPassedOn, answerMs, signal }: Route): Promise<Dispatcher> {
  const { Agent, buildConnector, Pool, ProxyAgent } = await import('undici');
  const limited = (options: TlsOptions) => ({ ...options, timeout: answerMs, signal });
  /** undici takes the Host for the name in the certificate; a proxy has a name of its own. */
  const connectToProxy = (options: TlsOptions): Connector => {
    const connect = buildConnector(limited(options));
    return ({ servername: _, ...target }, done) => connect(target as buildConnector.Options, done);
  };
  if (tunnel === null) {
    const connect = isPassedOn ? connectToProxy(tls) : buildConnector(limited(tls));
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
 * Marks the errors of a proxy, to tell them from those of the server. Without it ProxyAgent would connect again without end
 * when a proxy closes the connection (undici lib/dispatcher/client.js onError()).
 */
function markErrors(pool: Dispatcher, answerMs: number): Dispatcher {
  const connect = async (options: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData> => {
    try {
      const answer = await (pool.connect as typeof connect)(options);
      if (answer.statusCode === 200) return answer;
      (answer.socket as Socket).on('error', () => {}).destroy();
      throw failure('PROXY', `it answers with status ${answer.statusCode}`);
    } catch (error) {
      throw Object.assign(nodeError(error, answerMs), { isOfProxy: true });
    }
  };
  // All that ProxyAgent calls.
  return { connect, close: () => pool.close(), destroy: () => pool.destroy() } as Dispatcher;
}
