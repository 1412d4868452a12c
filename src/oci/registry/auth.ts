import { BinfmtctlError } from '../../errors.ts';
import { type HttpRequest, type HttpResponse, printUrl, readBody, request } from '../../net/http.ts';
import type { LimitedTransfer } from '../../net/limits.ts';
import { failureFrom } from '../../net/retry.ts';
import { isLoopback, mayBeLoopback } from '../../text/host.ts';
import { isRecord, parseJson } from '../../text/json.ts';
import { maskSecrets } from '../../text/secrets.ts';
import { type Challenge, parseChallenges } from './auth-challenge.ts';
import type { Login } from './docker-config.ts';

const MAX_ANSWER = 1024 * 1024;
const CLIENT = 'binfmtctl';

/** A repository, the registry that serves it, and the user's credentials for it. */
export interface RegistryAccess {
  /** Address of the registry. Credentials are only sent in response to challenges from this origin. */
  readonly base: URL;
  readonly repository: string;
  readonly login: () => Promise<Login | null>;
  /** TLS settings of the token server. */
  readonly tls?: HttpRequest['tls'];
}

/**
 * Returns the Authorization header for a registry (distribution, docs/spec/auth/token.md); null if there are no
 * suitable credentials.
 *
 * @param header the registry's WWW-Authenticate header
 * @throws SOURCE_FAILED, INTERRUPTED.
 */
export async function authorize(
  header: string,
  access: RegistryAccess,
  options: LimitedTransfer,
): Promise<string | null> {
  const challenges = parseChallenges(header);
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && 'realm' in parameters);
  const login = await access.login();
  // Over plain HTTP, an attacker could have sent the challenge, with the attacker's token server in it.
  if (login !== null) requireSecret(access.base);
  if (login?.kind === 'bearer') return `Bearer ${login.token}`;
  if (bearer !== undefined) return `Bearer ${await fetchToken(bearer, access, login, options)}`;
  if (!challenges.some(({ scheme }) => scheme === 'basic') || login?.kind !== 'password') return null;
  return basic(login);
}

async function fetchToken(
  { parameters }: Challenge,
  { base, repository, tls }: RegistryAccess,
  login: Login | null,
  { limits, signal }: LimitedTransfer,
): Promise<string> {
  const realm = tokenServer(parameters['realm'] ?? '', base);
  const scope = parameters['scope'] ?? `repository:${repository}:pull`;
  const fields = { service: parameters['service'] ?? '', scope };
  const shared = { mayLeaveOrigin: false, tls, limits, signal };
  const response =
    login?.kind === 'refresh'
      ? await request(realm, { ...shared, ...refreshForm(fields, login.token) })
      : await request(withQuery(realm, fields), {
          ...shared,
          headers: login?.kind === 'password' ? { authorization: basic(login) } : {},
        });
  const { status } = response;
  if (status !== 200) {
    response.discard();
    throw tokenError(realm, response, login);
  }
  const token = tokenIn(await readBody(response, MAX_ANSWER));
  if (token !== null) return token;
  throw new BinfmtctlError('SOURCE_FAILED', `${printUrl(realm)} returned no token`, {
    hint: `check that ${base.host} is a container registry, or use another source`,
  });
}

/** The registry chooses the token server: it must be as trustworthy as the registry itself. */
function tokenServer(text: string, base: URL): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOwn = isLoopback(base.host);
  const isSafe =
    url?.protocol === 'https:'
      ? isOwn || !mayBeLoopback(url.host)
      : url?.protocol === 'http:' &&
        base.protocol === 'http:' &&
        (url.host === base.host || (isOwn && isLoopback(url.host)));
  if (url !== null && isSafe) return url;
  throw new BinfmtctlError(
    'SOURCE_FAILED',
    `${base.host} requests a token from an unsafe address: ${JSON.stringify(maskSecrets(text.slice(0, 200)))}`,
    {
      hint: 'use a registry with a token server at a public https:// address',
    },
  );
}

function requireSecret(url: URL): void {
  if (url.protocol === 'https:' || isLoopback(url.host)) return;
  throw new BinfmtctlError('SOURCE_FAILED', `${url.host} requires authentication over plain HTTP`, {
    hint: 'credentials are only sent over TLS: set up TLS for the registry, or log out with `docker logout`',
  });
}

function withQuery(url: URL, fields: Readonly<Record<string, string>>): URL {
  const full = new URL(url);
  for (const [name, value] of Object.entries(fields)) if (value !== '') full.searchParams.set(name, value);
  return full;
}

function refreshForm(fields: Readonly<Record<string, string>>, token: string) {
  const form = { grant_type: 'refresh_token', client_id: CLIENT, refresh_token: token, ...fields };
  return {
    method: 'POST' as const,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  };
}

function tokenIn(bytes: Uint8Array): string | null {
  const answer = parseJson(new TextDecoder().decode(bytes));
  const token = isRecord(answer) ? (answer['token'] ?? answer['access_token']) : null;
  // Other characters could split the Authorization header.
  return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) ? token : null;
}

function tokenError(realm: URL, response: HttpResponse, login: Login | null): BinfmtctlError {
  const { status } = response;
  const isWrong = status === 400 || status === 401 || status === 403;
  const hint = isWrong
    ? login === null
      ? 'log in with `docker login` or `skopeo login`, as the user who runs binfmtctl'
      : 'the credentials are invalid or expired: log in again with `docker login` or `skopeo login`'
    : 'try again later';
  return new BinfmtctlError('SOURCE_FAILED', `${printUrl(realm)} returned no token (status ${status})`, {
    hint,
    cause: failureFrom(response),
  });
}

const basic = ({ username, password }: { readonly username: string; readonly password: string }): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
