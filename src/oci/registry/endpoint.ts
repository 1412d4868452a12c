import { BinfmtctlError } from '../../errors.ts';
import { failureOf } from '../../net/error.ts';
import { type HttpRequest, type HttpResponse, request } from '../../net/http.ts';
import type { LimitedTransfer } from '../../net/limits.ts';
import type { Endpoint } from './mirrors.ts';

export interface OpenEndpoint {
  /** With the scheme that it turned out to speak. */
  readonly base: () => URL;
  /** Asks for a path below the repository, and returns what is answered. */
  readonly send: (path: string, headers: Readonly<Record<string, string>>) => Promise<HttpResponse>;
}

/** Sends requests to an endpoint: by TLS and, where that may be and fails, by plain HTTP from then on, as Docker does. */
export function openEndpoint(
  { origin, api, repository, namespace, mayBePlain }: Endpoint,
  tls: HttpRequest['tls'],
  { limits, signal }: LimitedTransfer,
): OpenEndpoint {
  let base = new URL(origin);
  let isKnown = !mayBePlain;
  const query = namespace === undefined ? '' : `?ns=${encodeURIComponent(namespace)}`;
  const sendTo = (to: URL, path: string, headers: Readonly<Record<string, string>>) =>
    request(new URL(`${api}/${repository}/${path}${query}`, to), { headers, tls, limits, signal });
  return {
    base: () => base,
    send: async (path, headers) => {
      if (isKnown) return sendTo(base, path, headers);
      try {
        const response = await sendTo(base, path, headers);
        isKnown = true;
        return response;
      } catch (error) {
        const speaks = plainness(error, base);
        if (speaks === 'tls') throw error;
        const plain = new URL(origin.replace(/^https:/, 'http:'));
        const response = await sendTo(plain, path, headers).catch((second: unknown) => {
          throw speaks === 'plain' ? second : error;
        });
        // How a server that speaks TLS answers to plain HTTP.
        if (speaks === 'either' && response.status === 400) {
          response.discard();
          throw error;
        }
        isKnown = true;
        base = plain;
        return response;
      }
    },
  };
}

/** What a failed request by TLS tells of the server: one that gave no TLS answer may speak either. */
function plainness(error: unknown, { port }: URL): 'plain' | 'tls' | 'either' {
  const { code = '' } = error instanceof BinfmtctlError ? failureOf(error) : {};
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return 'plain';
  if (['ECONNRESET', 'STALLED'].includes(code) || (code === 'ECONNREFUSED' && port === '')) return 'either';
  return 'tls';
}
