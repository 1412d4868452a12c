import { BinfmtctlError } from '../../errors.ts';
import { download } from '../../net/download.ts';
import { type HttpResponse, printUrl, request } from '../../net/http.ts';
import type { LimitedTransfer } from '../../net/limits.ts';
import { failureFrom } from '../../net/retry.ts';
import { printAddress, type UrlSource } from './name.ts';

/** Most bytes that are downloaded: a package of all emulators has 60 MB. */
const MAX_DOWNLOAD = 1024 ** 3;

/**
 * Downloads what an https: or http: address names to `file`, and returns its sha256 as `sha256:…`. A broken connection is
 * taken up again where it ended.
 *
 * @throws SOURCE_FAILED; BAD_PACKAGE for other bytes and for too many; INTERRUPTED; nothing is left then.
 */
export function downloadUrl(source: UrlSource, file: string, options: LimitedTransfer): Promise<string> {
  const { url, sha256 } = source;
  const { limits, signal } = options;
  let version: string | undefined;
  /** Nobody would see that what was not verified is of two versions. */
  const rangeOf = (range: string): Readonly<Record<string, string>> => {
    if (version !== undefined) return { range, 'if-range': version };
    return sha256 === null ? {} : { range };
  };
  const open = async ({ range }: Readonly<Record<string, string>>): Promise<HttpResponse> => {
    const headers = range === undefined ? {} : rangeOf(range);
    const response = await request(url, { headers, isVerified: sha256 !== null, limits, signal });
    version = versionOf(response);
    if (response.status === 200 || response.status === 206) return response;
    response.discard();
    throw statusError(response, url);
  };
  const target = {
    kind: 'url' as const,
    what: printAddress(source),
    digest: sha256 === null ? null : `sha256:${sha256}`,
    size: null,
    maxBytes: MAX_DOWNLOAD,
  };
  return download(open, file, target, options);
}

/** What tells one version of a file from another, where the server says it (RFC 9110 13.1.5). */
function versionOf({ headers }: HttpResponse): string | undefined {
  const { etag } = headers;
  return etag?.startsWith('"') ? etag : headers['last-modified'];
}

function statusError(response: HttpResponse, requested: URL): BinfmtctlError {
  const { status, url } = response;
  const [why, hint] = explainStatus(status);
  const who =
    url.origin === requested.origin ? url.host : `${requested.host} redirects to ${url.host}, which`;
  return new BinfmtctlError(
    'SOURCE_FAILED',
    `cannot fetch ${printUrl(requested)}: ${who} ${why} (status ${status})`,
    {
      hint,
      cause: failureFrom(response),
    },
  );
}

function explainStatus(status: number): [why: string, hint: string] {
  if (status === 401 || status === 403)
    return [
      'lets nobody have it without a login',
      'download the file yourself and name it with url:file:///PATH#sha256=HEX',
    ];
  if (status === 407)
    return [
      'is reached through a proxy that wants a login',
      'name it in HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT',
    ];
  if (status === 404 || status === 410) return ['has no such file', 'is its address right?'];
  if (status === 429) return ['has had too many requests', 'try again later, or take another server'];
  if (status >= 500) return ['is out of order', 'try again later, or take another server'];
  return ['does not do what was asked', 'is its address right?'];
}
