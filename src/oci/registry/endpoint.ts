import { BinfmtctlError } from '../../errors.ts';
import { failureOf } from '../../net/error.ts';
import { type HttpRequest, type HttpResponse, request } from '../../net/http.ts';
import type { LimitedTransfer } from '../../net/limits.ts';
import type { Endpoint } from './mirrors.ts';

export interface OpenEndpoint {
  /** With the scheme that the endpoint was found to use. */
  readonly base: () => URL;
  /** Requests a path below the repository. */
  readonly send: (path: string, headers: Readonly<Record<string, string>>) => Promise<HttpResponse>;
}

/** Sends requests over TLS. If that fails and `mayBePlain` is set, uses plain HTTP from then on, as Docker does. */
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
        const speaks = protocolOf(error, base);
        if (speaks === 'tls') throw error;
        const plain = new URL(origin.replace(/^https:/, 'http:'));
        const response = await sendTo(plain, path, headers).catch((second: unknown) => {
          throw speaks === 'plain' ? second : error;
        });
        // TLS servers answer plain HTTP with 400.
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

/** Concludes from a failed TLS request which protocol the server speaks. */
function protocolOf(error: unknown, { port }: URL): 'plain' | 'tls' | 'either' {
  const { code = '' } = error instanceof BinfmtctlError ? failureOf(error) : {};
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return 'plain';
  if (['ECONNRESET', 'STALLED'].includes(code) || (code === 'ECONNREFUSED' && port === '')) return 'either';
  return 'tls';
}
