/** The door to HTTP. Redirects and proxies are ours to handle, so that no credentials go where they are not meant to. */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import { BinfmtctlError } from '../errors.ts';
import { isLoopback, mayBeLoopback } from '../text/host.ts';
import { httpError, stalled } from './error.ts';
import { proxyAuthorization, proxyFor } from './proxy.ts';
import { type TlsSettings, tlsOptions } from './tls.ts';
import { openTunnel } from './tunnel.ts';

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
  readonly headers: IncomingHttpHeaders;
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
    const next = redirectTarget(url, location, options.isVerified === true);
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

function redirectTarget(from: URL, location: string, isVerified: boolean): URL {
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
  const { signal } = options;
  const what = `cannot fetch ${printUrl(url)}`;
  let proxy: URL | null = null;
  try {
    if (signal.aborted) throw signal.reason;
    proxy = proxyFor(url);
    const sent = await send(url, proxy, options);
    const message = await answerOf(sent, options);
    return {
      status: message.statusCode ?? 0,
      headers: message.headers,
      url,
      body: bodyOf(message, options, what, url.host),
      discard: () => void message.destroy(),
    };
  } catch (error) {
    throw httpError(error, what, signal, url.host, proxy);
  }
}

async function send(url: URL, proxy: URL | null, request: HttpRequest): Promise<ClientRequest> {
  const { method = 'GET', headers, body, signal, limits } = request;
  const options: RequestOptions = { method, headers: { 'user-agent': 'binfmtctl', ...headers }, signal };
  const proxyTls = proxy?.protocol === 'https:' ? await tlsOptions() : {};
  const isTls = url.protocol === 'https:';
  const tls = isTls ? await tlsOptions(request.tls?.(url)) : {};
  Object.assign(options, isTls ? tls : proxyTls);
  if (proxy !== null && isTls) {
    const socket = await openTunnel(proxy, url, { tls, proxyTls, timeoutMs: limits.answerMs, signal });
    // Without an agent: that is how Node takes a connection which is there already.
    Object.assign(options, { createConnection: () => socket });
  }
  const { request: open } = await (isTls ? import('node:https') : import('node:http'));
  const plainly = proxy !== null && !isTls;
  const sent = plainly
    ? open(proxy, {
        ...options,
        path: url.href,
        headers: { ...options.headers, host: url.host, ...proxyAuthorization(proxy) } as Record<
          string,
          string
        >,
      })
    : open(url, options);
  sent.end(body);
  return sent;
}

function answerOf(sent: ClientRequest, { limits }: HttpRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => sent.destroy(stalled('no answer', limits.answerMs)), limits.answerMs);
    // After the answer errors come through its body too; here they only must not be unheard.
    sent.on('error', reject);
    sent.on('close', () => clearTimeout(late));
    sent.once('response', (message) => {
      clearTimeout(late);
      resolve(message);
    });
  });
}

async function* bodyOf(
  message: IncomingMessage,
  { limits, signal }: HttpRequest,
  what: string,
  host: string,
): AsyncGenerator<Uint8Array> {
  let came = 0;
  const watch = setInterval(() => {
    if (came < LEAST_BYTES) message.destroy(stalled('too few bytes', limits.stallMs));
    came = 0;
  }, limits.stallMs);
  try {
    for await (const chunk of message) {
      came += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw httpError(error, what, signal, host);
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
