/**
 * Sends HTTP requests through undici. Its interceptors do not fit: `redirect` has no callback to reject a redirect, `retry` resumes
 * without a minimum speed or progress reports, and `decompress` changes data with a known digest.
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
  /** Time limit from the request to the headers of the response. */
  readonly answerMs: number;
  /** In each period of this length, at least 20 kB of the body must arrive: 1 kB/s in the usual 20 s. */
  readonly stallMs: number;
}

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent unchanged. */
  readonly body?: string | undefined;
  /** Whether a redirect may lead to another origin, which does not get the credentials. Default true. */
  readonly mayLeaveOrigin?: boolean | undefined;
  /**
   * Whether the response is verified by a digest and the request contains no secrets. Only then may a redirect lead from plain HTTP
   * to plain HTTP on another machine. Default false.
   */
  readonly isVerified?: boolean | undefined;
  /** Returns the TLS settings for a server, also after redirects; null for the defaults. */
  readonly tls?: ((url: URL) => TlsSettings | null) | undefined;
  readonly limits: HttpLimits;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The URL after redirects. */
  readonly url: URL;
  /** Can be read once. Callers that do not read it must call `discard`. Throws SOURCE_FAILED, INTERRUPTED. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly discard: () => void;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];
const LEAST_BYTES = 20 * 1024;

/**
 * Sends a request and returns the response, with any status. Rejects redirects from HTTPS to plain HTTP, and from another machine to
 * this one.
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
    if (redirects === MAX_REDIRECTS) throw refused(start, 'redirects too many times');
    if (next.origin !== start.origin) {
      if (options.mayLeaveOrigin === false)
        throw refused(start, `redirects to another origin, ${next.origin}`);
      const { authorization: _, ...others } = headers;
      headers = others;
    }
    url = next;
  }
}

/** Reads a body of at most `most` bytes. @throws SOURCE_FAILED for a larger one; read errors. */
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

/** Formats a URL for messages, without the query, which may contain secrets. */
export const printUrl = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

function redirectTarget(from: URL, location: string, { isVerified }: { readonly isVerified: boolean }): URL {
  if (!URL.canParse(location, from.href)) throw refused(from, 'redirects to an invalid URL');
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
    // The body has no other error listener until it is read.
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
    // A plain HTTP request connects to the proxy itself.
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
    const dispatcher = await dispatcherFor({ tls, tunnel, isForwarded: false, answerMs, signal });
    const path = `${url.pathname}${url.search}`;
    return dispatcher.request({ ...shared, origin: url.origin, path, headers });
  }
  // Without ProxyAgent: it treats failures of a proxy as internal errors, and requests a tunnel to port 80 from a proxy with TLS,
  // which proxies forbid.
  const dispatcher = await dispatcherFor({
    tls: proxyTls,
    tunnel: null,
    isForwarded: true,
    answerMs,
    signal,
  });
  return dispatcher.request({
    ...shared,
    origin: proxy.origin,
    path: `${url.origin}${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, ...proxyAuthorization(proxy) },
  });
}

/** Keeps the first value of a repeated header, except that all challenges count (RFC 9110 5.3, 11.6.1). */
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
  let received = 0;
  const watch = setInterval(() => {
    if (received < LEAST_BYTES) body.destroy(stalled('too few bytes', limits.stallMs));
    received = 0;
  }, limits.stallMs);
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      received += chunk.length;
      // undici joins the chunks of a socket, and Node allocates more memory than it needs.
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
  new BinfmtctlError('SOURCE_FAILED', `the response of ${printUrl(url)} is larger than ${most} bytes`, {
    hint: 'check that the server is the right one, and whether a proxy answers instead of it',
  });

function refused(url: URL, why: string): BinfmtctlError {
  return new BinfmtctlError('SOURCE_FAILED', `${printUrl(url)} ${why}`, {
    hint: 'binfmtctl does not follow such redirects, which may leak credentials: check the server, and any proxy',
  });
}
