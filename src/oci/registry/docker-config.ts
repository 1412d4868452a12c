/** Credential files of Docker and the containers tools: config.json and auth.json (docs.docker.com, "docker login";
 * containers-auth.json(5)). */
import { isRecord, parseJson } from '../../text/json.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** A user name and password, a refresh token to exchange for an access token, or a bearer token to send as is. */
export type Login =
  | ({ readonly kind: 'password' } & Credentials)
  | { readonly kind: 'refresh'; readonly token: string }
  | { readonly kind: 'bearer'; readonly token: string };

/** Credentials, or the NAME of a `docker-credential-NAME` helper to ask for those of `server`. */
export type Lookup = { readonly login: Login } | { readonly helper: string; readonly server: string } | null;

/** Key of Docker Hub's credentials. */
const DOCKER_HUB = 'https://index.docker.io/v1/';

/** Looks up a repository in the text of a credential file; null if nothing is found or the text is not JSON. */
export function lookUp(text: string, registry: string, repository: string): Lookup {
  const file = objectOf(parseJson(text));
  const helpers = objectOf(file['credHelpers']);
  const server = registry === 'docker.io' ? DOCKER_HUB : registry;
  const helper = [registry, ...(registry === 'docker.io' ? ['index.docker.io', DOCKER_HUB] : [])]
    .map((name) => own(helpers, name))
    .find(isHelper);
  if (helper !== undefined) return { helper, server };
  const login = loginFor(objectOf(file['auths']), registry, repository);
  if (login !== null) return { login };
  return isHelper(file['credsStore']) ? { helper: file['credsStore'], server } : null;
}

/** True if the text is a JSON object or empty. */
export function isLoginFile(text: string): boolean {
  const file = parseJson(text);
  return text.trim() === '' || isRecord(file);
}

/** Parses a helper's output for `get`; null if it has no credentials. */
export function parseHelperAnswer(text: string): Login | null {
  const { Username, Secret } = objectOf(parseJson(text));
  if (typeof Username !== 'string' || typeof Secret !== 'string' || Secret === '') return null;
  // `<token>` means that the secret is an identity token (docker-credential-helpers, README).
  if (Username === '<token>') return { kind: 'refresh', token: Secret };
  return { kind: 'password', username: Username, password: Secret };
}

/** The longest matching path wins: the repository, then its parents, then the registry. */
function loginFor(auths: Record<string, unknown>, registry: string, repository: string): Login | null {
  const hosts =
    registry === 'docker.io' ? ['docker.io', 'index.docker.io', 'registry-1.docker.io'] : [registry];
  const parts = repository.split('/');
  const paths = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
  const candidates = [...hosts.flatMap((host) => paths.map((path) => `${host}/${path}`)), ...hosts];
  for (const name of candidates) {
    const key = Object.keys(auths).find((each) => normal(each) === name);
    const login = key === undefined ? null : loginOf(objectOf(auths[key]));
    if (login !== null) return login;
  }
  return null;
}

/** Older versions of Docker wrote keys with scheme and version: `https://index.docker.io/v1/`. */
const normal = (key: string): string =>
  key
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/$/, '');

function loginOf(auth: Record<string, unknown>): Login | null {
  const { identitytoken, registrytoken, username, password } = auth;
  if (isText(identitytoken)) return { kind: 'refresh', token: identitytoken };
  if (isText(registrytoken)) return { kind: 'bearer', token: registrytoken };
  if (isText(auth['auth'])) {
    const decoded = new TextDecoder().decode(Buffer.from(auth['auth'], 'base64')).replace(/\0+$/, '');
    const colon = decoded.indexOf(':');
    if (colon > 0)
      return { kind: 'password', username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  }
  return isText(username) && isText(password) ? { kind: 'password', username, password } : null;
}

const objectOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});
const own = (object: Record<string, unknown>, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined;
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isHelper = (value: unknown): value is string =>
  typeof value === 'string' && /^[\w][\w.-]{0,63}$/.test(value);
