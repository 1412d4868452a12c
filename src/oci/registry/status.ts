import { BinfmtctlError } from '../../errors.ts';
import type { HttpResponse } from '../../net/http.ts';
import { failureFrom } from '../../net/retry.ts';

/**
 * Explains an HTTP error of a registry. @param name of the image @param base address of the registry before redirects
 */
export function statusError(response: HttpResponse, base: URL, name: string): BinfmtctlError {
  const { status, url } = response;
  const isRedirected = url.origin !== base.origin;
  const [why, hint] = explainStatus(status, { isRedirected });
  const who = isRedirected ? `${base.host} redirects to ${url.host}, which` : base.host;
  return new BinfmtctlError('SOURCE_FAILED', `cannot fetch ${name}: ${who} ${why} (status ${status})`, {
    hint,
    cause: failureFrom(response),
  });
}

function explainStatus(
  status: number,
  { isRedirected }: { readonly isRedirected: boolean },
): [why: string, hint: string] {
  if (status === 401 || status === 403) {
    return isRedirected
      ? [
          'requires authentication',
          'credentials are never sent to another origin: use a registry that serves the image itself',
        ]
      : [
          'denied access',
          'check the name; for a private image, log in with `docker login` or `skopeo login` as the user who runs binfmtctl',
        ];
  }
  if (status === 404) return ['has no such image', 'check the name and tag'];
  if (status === 429)
    return ['rate limited the request', 'log in with `docker login` for a higher limit, or use a mirror'];
  if (status >= 500) return ['returned a server error', 'try again later, or use a mirror'];
  return ['sent an unexpected response', 'check that the host is a container registry'];
}
