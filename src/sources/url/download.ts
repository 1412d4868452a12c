import { BinfmtctlError } from '../../errors.ts';
import { download } from '../../net/download.ts';
import { type HttpResponse, printUrl, request } from '../../net/http.ts';
import type { LimitedTransfer } from '../../net/limits.ts';
import { failureFrom } from '../../net/retry.ts';
import { printAddress, type UrlSource } from './name.ts';

/** In bytes; a package with all emulators has 60 MB. */
const MAX_DOWNLOAD = 1024 ** 3;

/**
 * Downloads an https: or http: URL into `file` and returns its digest as `sha256:…`. Resumes broken downloads.
 *
 * @throws SOURCE_FAILED; BAD_PACKAGE if the digest is wrong or the file too large; INTERRUPTED. `file` is removed then.
 */
export function downloadUrl(source: UrlSource, file: string, options: LimitedTransfer): Promise<string> {
  const { url, sha256 } = source;
  const { limits, signal } = options;
  let version: string | undefined;
  /** Without a sha256, mixing two versions of the file would go unnoticed: resume only with If-Range. */
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

/** The strong ETag or date of the file, if the server sends one (RFC 9110 13.1.5). */
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
    return ['requires authentication', 'download the file yourself and use url:file:///PATH#sha256=HEX'];
  if (status === 407)
    return [
      'is behind a proxy that requires authentication',
      'set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT',
    ];
  if (status === 404 || status === 410) return ['has no such file', 'check the URL'];
  if (status === 429) return ['rate limited the request', 'try again later, or use another server'];
  if (status >= 500) return ['returned a server error', 'try again later, or use another server'];
  return ['sent an unexpected response', 'check the URL'];
}
