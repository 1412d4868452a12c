/** Names of images, as Docker reads them (github.com/distribution/reference, README and grammar in reference.go). */
import { BinfmtctlError } from '../errors.ts';
import { isHost } from '../text/host.ts';
import { maskSecrets } from '../text/secrets.ts';

export interface Reference {
  /** Host with port where one is named: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly registry: string;
  /** `tonistiigi/binfmt`. */
  readonly repository: string;
  /** Null where only a digest is named. */
  readonly tag: string | null;
  /** `sha256:` and 64 hex digits; null where only a tag is named. */
  readonly digest: string | null;
  /** What is said before it of how to speak to the registry; null where nothing is. */
  readonly scheme: 'http' | 'https' | null;
}

const DEFAULT_REGISTRY = 'docker.io';
const MAX_NAME = 255;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Whether that is the digest of something: `sha256:` and 64 lower case hex digits, the only kind we verify. */
export const isDigest = (text: string): boolean => DIGEST.test(text);

/**
 * Reads `[http://|https://][HOST[:PORT]/]PATH[:TAG][@DIGEST]` with Docker's defaults: `docker.io`, `library/` and `latest`.
 *
 * @throws BAD_SOURCE for what is none, and for a digest that is not a sha256.
 */
export function parseReference(text: string): Reference {
  const [, scheme = '', rest = ''] = /^(?:(https?):\/\/)?(.*)$/s.exec(text) ?? [];
  const at = rest.indexOf('@');
  const digest = at < 0 ? null : rest.slice(at + 1);
  const named = at < 0 ? rest : rest.slice(0, at);
  if (digest !== null && !isDigest(digest)) throw bad(text, 'its digest is not sha256: and 64 hex digits');
  const [host, path] = splitHost(named, { always: scheme !== '' });
  const colon = path.indexOf(':');
  const tag = colon < 0 ? null : path.slice(colon + 1);
  if (tag !== null && !TAG.test(tag)) throw bad(text, `${JSON.stringify(tag)} cannot be a tag`);
  const short = colon < 0 ? path : path.slice(0, colon);
  // Docker Hub has none; `ghcr.io` and `image.tar` are meant to be something else.
  if (scheme === '' && !named.includes('/') && short.includes('.'))
    throw bad(text, 'a name with a dot and no / is that of a registry, or of a file');
  const registry = registryOf(host, { hasScheme: scheme !== '' });
  if (!isHost(registry)) throw bad(text, `${JSON.stringify(host)} cannot be a registry`);
  const repository =
    registry === DEFAULT_REGISTRY && short !== '' && !short.includes('/') ? `library/${short}` : short;
  if (repository.length > MAX_NAME || !repository.split('/').every((part) => COMPONENT.test(part))) {
    throw bad(text, `${JSON.stringify(short)} cannot be the name of an image (lower case, no blanks)`);
  }
  return {
    registry,
    repository,
    tag: tag ?? (digest === null ? 'latest' : null),
    digest,
    scheme: scheme === '' ? null : (scheme as 'http' | 'https'),
  };
}

/** The reference in full, which `parseReference` reads as the same one. */
export function printReference({ registry, repository, tag, digest, scheme }: Reference): string {
  const name = `${scheme === null ? '' : `${scheme}://`}${registry}/${repository}`;
  return `${name}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;
}

/** In lower case, unless capitals alone tell that `A/image` begins with a host. */
function registryOf(host: string, { hasScheme }: { readonly hasScheme: boolean }): string {
  const lower = host.toLowerCase();
  if (lower === 'index.docker.io') return DEFAULT_REGISTRY;
  return hasScheme || isHostPart(lower) ? lower : host;
}

const isHostPart = (first: string): boolean => /[.:A-Z[]/.test(first) || first === 'localhost';

/** The first part is a host only where it cannot be a part of a path, or where a scheme says that one comes. */
function splitHost(text: string, { always }: { readonly always: boolean }): [host: string, path: string] {
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  return slash >= 0 && (always || isHostPart(first))
    ? [first, text.slice(slash + 1)]
    : [DEFAULT_REGISTRY, text];
}

function bad(text: string, why: string): BinfmtctlError {
  const [name, reason] = [JSON.stringify(maskSecrets(text)), maskSecrets(why)];
  return new BinfmtctlError('BAD_SOURCE', `${name} names no image: ${reason}`, {
    hint: 'name one as Docker does: oci:tonistiigi/binfmt, oci:ghcr.io/owner/image:tag@sha256:…; a file as oci:./FILE',
  });
}
