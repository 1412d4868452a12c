import { BinfmtctlError } from '../../errors.ts';
import type { HttpResponse } from '../../net/http.ts';
import { failureFrom } from '../../net/retry.ts';

/** What a registry's refusal means. @param name of the image @param base address of the registry that was asked first */
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
          'wants a login',
          'credentials are never sent to another origin: use a registry that serves the image itself',
        ]
      : [
          'does not let this user have it',
          'is its name right? If it is private, log in with `docker login` or `skopeo login`, as the user who runs this',
        ];
  }
  if (status === 404) return ['has no such image', 'are its name and tag right?'];
  if (status === 429) return ['has had too many requests', 'log in, which allows for more, or use a mirror'];
  if (status >= 500) return ['is out of order', 'try again later, or use a mirror'];
  return ['does not do what was asked', 'is it a registry of images?'];
}
