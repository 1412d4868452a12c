/** Image names, parsed as Docker does (github.com/distribution/reference, README and grammar in reference.go). */
import { BinfmtctlError } from '../errors.ts';
import { isHost } from '../text/host.ts';
import { maskSecrets } from '../text/secrets.ts';

export interface Reference {
  /** Host, with a port if given: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly registry: string;
  /** `tonistiigi/binfmt`. */
  readonly repository: string;
  /** Null if only a digest is given. */
  readonly tag: string | null;
  /** `sha256:` and 64 hex digits; null if only a tag is given. */
  readonly digest: string | null;
  /** Protocol of the registry; null if the name does not say. */
  readonly scheme: 'http' | 'https' | null;
}

const DEFAULT_REGISTRY = 'docker.io';
const MAX_NAME = 255;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** True for `sha256:` followed by 64 lower-case hex digits, the only digests that binfmtctl verifies. */
export const isDigest = (text: string): boolean => DIGEST.test(text);

/**
 * Parses `[http://|https://][HOST[:PORT]/]PATH[:TAG][@DIGEST]` with Docker's defaults: `docker.io`, `library/` and
 * `latest`.
 *
 * @throws BAD_SOURCE if the name is invalid or the digest is not sha256.
 */
export function parseReference(text: string): Reference {
  const [, scheme = '', rest = ''] = /^(?:(https?):\/\/)?(.*)$/s.exec(text) ?? [];
  const at = rest.indexOf('@');
  const digest = at < 0 ? null : rest.slice(at + 1);
  const named = at < 0 ? rest : rest.slice(0, at);
  if (digest !== null && !isDigest(digest))
    throw bad(text, 'the digest must be sha256: followed by 64 hex digits');
  const [host, path] = splitHost(named, { always: scheme !== '' });
  const colon = path.indexOf(':');
  const tag = colon < 0 ? null : path.slice(colon + 1);
  if (tag !== null && !TAG.test(tag)) throw bad(text, `invalid tag ${JSON.stringify(tag)}`);
  const short = colon < 0 ? path : path.slice(0, colon);
  // Names of one part on Docker Hub have no dot; `ghcr.io` and `image.tar` are a registry and a file.
  if (scheme === '' && !named.includes('/') && short.includes('.'))
    throw bad(text, 'a name with a dot but no / is a registry or a file');
  const registry = registryOf(host, { hasScheme: scheme !== '' });
  if (!isHost(registry)) throw bad(text, `invalid registry ${JSON.stringify(host)}`);
  const repository =
    registry === DEFAULT_REGISTRY && short !== '' && !short.includes('/') ? `library/${short}` : short;
  if (repository.length > MAX_NAME || !repository.split('/').every((part) => COMPONENT.test(part))) {
    throw bad(text, `invalid repository ${JSON.stringify(short)} (use lower case, no spaces)`);
  }
  return {
    registry,
    repository,
    tag: tag ?? (digest === null ? 'latest' : null),
    digest,
    scheme: scheme === '' ? null : (scheme as 'http' | 'https'),
  };
}

/** Prints the full reference; `parseReference` reads it back unchanged. */
export function printReference({ registry, repository, tag, digest, scheme }: Reference): string {
  const name = `${scheme === null ? '' : `${scheme}://`}${registry}/${repository}`;
  return `${name}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;
}

/** In lower case, unless only the capitals show that `A/image` begins with a host. */
function registryOf(host: string, { hasScheme }: { readonly hasScheme: boolean }): string {
  const lower = host.toLowerCase();
  if (lower === 'index.docker.io') return DEFAULT_REGISTRY;
  return hasScheme || isHostPart(lower) ? lower : host;
}

const isHostPart = (first: string): boolean => /[.:A-Z[]/.test(first) || first === 'localhost';

/** The first part is a host if it cannot be part of a path, or if a scheme precedes it. */
function splitHost(text: string, { always }: { readonly always: boolean }): [host: string, path: string] {
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  return slash >= 0 && (always || isHostPart(first))
    ? [first, text.slice(slash + 1)]
    : [DEFAULT_REGISTRY, text];
}

function bad(text: string, why: string): BinfmtctlError {
  const [name, reason] = [JSON.stringify(maskSecrets(text)), maskSecrets(why)];
  return new BinfmtctlError('BAD_SOURCE', `invalid image name ${name}: ${reason}`, {
    hint: 'use a Docker image name, such as oci:tonistiigi/binfmt or oci:ghcr.io/owner/image:tag@sha256:…; for a file, oci:./FILE',
  });
}
