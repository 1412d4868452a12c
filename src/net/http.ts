/**
 * The door to HTTP, through undici. Its interceptors cannot keep our rules: `redirect` has no callback to refuse a redirect, `retry`
 * resumes without a minimum speed or a progress report, and `decompress` would change bytes whose digest is known.
 */
import type { Dispatcher } from 'undici';
import { BinfmtctlError } from '../errors.ts';
import { countStreamed } from '../system/memory.ts';
import { isLoopback, mayBeLoopback } from '../text/host.ts';
import { dispatcherFor } from './connections.ts';
import { type Failed, httpError, isOfProxy, nodeError, stalled } from './error.ts';
import { proxyAuthorization, proxyFor } from './proxy.ts';
import { type TlsSettings, tlsOptions } from './tls.ts';

export interface HttpLimits {
  /** From the request to the answer's headers. */
  readonly answerMs: number;
  /** In each such time at least 20 kB of the body must come: 1 kB/s in the 20 s that are usual. */
  readonly stallMs: number;
}

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as it is. */
  readonly body?: string | undefined;
  /** Whether a redirect may lead to another origin, which then gets no credentials. Default true. */
  readonly mayLeaveOrigin?: boolean | undefined;
  /**
   * Whether what comes is verified, whoever sends it, and nothing secret is sent: only then a redirect may lead from plain HTTP
   * to that of another machine. Default false.
   */
  readonly isVerified?: boolean | undefined;
  /** What counts for a server, redirects included; null for nothing of its own. */
  readonly tls?: ((url: URL) => TlsSettings | null) | undefined;
  readonly limits: HttpLimits;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Where the answer came from in the end. */
  readonly url: URL;
  /** Can be read once; whoever does not read it calls `discard`. Throws SOURCE_FAILED, INTERRUPTED. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly discard: () => void;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];
const LEAST_BYTES = 20 * 1024;

/**
 * Sends a request and returns what is answered, whatever its status. From https no redirect leads to plain HTTP, and none
 * leads to this machine from another.
 *
 * @throws SOURCE_FAILED, whose cause is an `HttpFailure`; INTERRUPTED.
 */
export async function request(start: URL, options: HttpRequest): Promise<HttpResponse> {
  let url = start;
  let headers = options.headers ?? {};
  for (let redirects = 0; ; redirects++) {
    const response = await exchange(url, { ...options, headers });
    const { location } = response.headers;
    if (!REDIRECTS.includes(response.status) || location === undefined) return response;
    response.discard();
    const next = redirectTarget(url, location, { isVerified: options.isVerified === true });
    if (redirects === MAX_REDIRECTS) throw refused(start, 'redirects again and again');
    if (next.origin !== start.origin) {
      if (options.mayLeaveOrigin === false)
        throw refused(start, `redirects to another origin, ${next.origin}`);
      const { authorization: _, ...others } = headers;
      headers = others;
    }
    url = next;
  }
}

/** All of a body that has at most `most` bytes. SOURCE_FAILED for a larger one; what reading it throws. */
export async function readBody({ body, url }: HttpResponse, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > most) throw tooLarge(url, most);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** An address for messages: what follows the path may be secret. */
export const printUrl = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

function redirectTarget(from: URL, location: string, { isVerified }: { readonly isVerified: boolean }): URL {
  if (!URL.canParse(location, from.href)) throw refused(from, 'redirects to what is no address');
  const next = new URL(location, from);
  if (!staysOut(from, next)) throw refused(from, `redirects to this machine, ${next.origin}`);
  if (next.protocol === 'https:') return next;
  if (next.protocol !== 'http:') throw refused(from, `redirects to ${next.protocol}`);
  const isAllowed =
    from.protocol === 'http:' && (next.origin === from.origin || isLoopback(next.host) || isVerified);
  if (!isAllowed) throw refused(from, `redirects to plain HTTP, ${next.origin}`);
  return next;
}

const staysOut = (from: URL, next: URL): boolean => isLoopback(from.host) || !mayBeLoopback(next.host);

async function exchange(url: URL, options: HttpRequest): Promise<HttpResponse> {
  const { signal, limits } = options;
  const failed = { what: `cannot fetch ${printUrl(url)}`, host: url.host, signal };
  let proxy: URL | null = null;
  try {
    if (signal.aborted) throw signal.reason;
    proxy = proxyFor(url);
    const { statusCode, headers, body } = await send(url, proxy, options);
    // Nothing listens to it before it is read.
    body.on('error', () => {});
    return {
      status: statusCode,
      headers: singleHeaders(headers),
      url,
      body: bodyOf(body, options, failed),
      discard: () => void body.destroy(),
    };
  } catch (error) {
    const known = nodeError(error, limits.answerMs);
    // Of plain HTTP, who is connected to is the proxy.
    const isProxys = url.protocol === 'http:' || isOfProxy(known);
    throw httpError(known, { ...failed, proxy: isProxys ? proxy : null });
  }
}

async function send(url: URL, proxy: URL | null, options: HttpRequest): Promise<Dispatcher.ResponseData> {
  const { method = 'GET', body = null, signal, limits } = options;
  const { answerMs } = limits;
  const isTls = url.protocol === 'https:';
  const proxyTls = proxy?.protocol === 'https:' ? await tlsOptions() : {};
  const headers = { 'user-agent': 'binfmtctl', ...options.headers };
  const shared = { method, body, signal, headersTimeout: answerMs, bodyTimeout: 0 };
  if (proxy === null || isTls) {
    const tls = isTls ? await tlsOptions(options.tls?.(url)) : {};
    const tunnel = proxy === null ? null : { proxy, tls: proxyTls };
    const dispatcher = await dispatcherFor({ tls, tunnel, isPassedOn: false, answerMs, signal });
    const path = `${url.pathname}${url.search}`;
    return dispatcher.request({ ...shared, origin: url.origin, path, headers });
  }
  // Not by ProxyAgent, which takes a proxy's own failures for its own mistakes, and asks a proxy with TLS for a tunnel to port 80,
  // which proxies refuse.
  const dispatcher = await dispatcherFor({ tls: proxyTls, tunnel: null, isPassedOn: true, answerMs, signal });
  return dispatcher.request({
    ...shared,
    origin: proxy.origin,
    path: `${url.origin}${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, ...proxyAuthorization(proxy) },
  });
}

/** Of a header that came several times the first counts, but all challenges do (RFC 9110 5.3, 11.6.1). */
function singleHeaders(headers: Dispatcher.ResponseData['headers']): HttpResponse['headers'] {
  const entries = Object.entries(headers).map(([name, value]) => {
    if (!Array.isArray(value)) return [name, value] as const;
    return [name, name === 'www-authenticate' ? value.join(', ') : value[0]] as const;
  });
  return Object.fromEntries(entries);
}

async function* bodyOf(
  body: Dispatcher.ResponseData['body'],
  { limits }: HttpRequest,
  failed: Failed,
): AsyncGenerator<Uint8Array> {
  let came = 0;
  const watch = setInterval(() => {
    if (came < LEAST_BYTES) body.destroy(stalled('too few bytes', limits.stallMs));
    came = 0;
  }, limits.stallMs);
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      came += chunk.length;
      // undici joins what a socket brings, and Node makes more room than it needs.
      countStreamed(4 * chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw httpError(nodeError(error, limits.answerMs), failed);
  } finally {
    clearInterval(watch);
  }
}

const tooLarge = (url: URL, most: number): BinfmtctlError =>
  new BinfmtctlError('SOURCE_FAILED', `${printUrl(url)} answers with more than ${most} bytes`, {
    hint: 'such an answer never has so many: is it the right server, or does a proxy in between answer?',
  });

function refused(url: URL, why: string): BinfmtctlError {
  return new BinfmtctlError('SOURCE_FAILED', `${printUrl(url)} ${why}`, {
    hint: 'that is not followed, for the sake of your credentials and of what would come; is the server set up right, or a proxy in between?',
  });
}
