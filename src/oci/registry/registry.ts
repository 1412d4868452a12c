import { BinfmtctlError } from '../../errors.ts';
import { download } from '../../net/download.ts';
import { type HttpResponse, readBody } from '../../net/http.ts';
import type { LimitedTransfer } from '../../net/limits.ts';
import { withRetries } from '../../net/retry.ts';
import { digestOf, type Expected, requireDigest, requireSame } from '../../system/file/integrity.ts';
import { isLoopback } from '../../text/host.ts';
import { ACCEPT, MAX_MANIFEST } from '../manifest.ts';
import { isDigest, printReference, type Reference } from '../reference.ts';
import type { Document, Images } from '../types.ts';
import { authorize } from './auth.ts';
import { findLogin } from './credentials.ts';
import type { Login } from './docker-config.ts';
import { openEndpoint } from './endpoint.ts';
import type { Endpoint } from './mirrors.ts';
import { statusError } from './status.ts';
import { tlsSettings } from './tls.ts';

/** A mirror that does not answer is not waited for as long as the registry itself. */
const MIRROR_ATTEMPTS = 2;
const UNPROTECTED =
  'comes over plain HTTP, where anybody on the way can change it: if it is the right one, pin it with';

/**
 * An image of a registry that speaks the OCI distribution protocol. What the mirrors do not give is asked of the registry
 * itself.
 */
export function openRegistry(
  reference: Reference,
  endpoints: readonly Endpoint[],
  options: LimitedTransfer,
): Images {
  const name = printReference(reference);
  const { report, limits, signal } = options;
  const say = (text: string): void => report({ kind: 'text', text: `oci: ${text}` });
  const clients = endpoints.map((endpoint) => openClient(endpoint, name, options));

  /** Does something at the first endpoint that can; whoever failed once is not asked again. */
  async function anywhere<T>(action: (ask: Ask, attempts: number) => Promise<T>): Promise<T> {
    for (;;) {
      const [client, ...others] = clients;
      if (client === undefined) throw new Error('no endpoint');
      try {
        return await action(client.ask, others.length > 0 ? MIRROR_ATTEMPTS : limits.attempts);
      } catch (error) {
        if (others.length === 0 || signal.aborted || !(error instanceof BinfmtctlError)) throw error;
        say(`${error.message}; trying elsewhere`);
        clients.shift();
      }
    }
  }

  /** Reads a document, once more where its bytes are wrong, as they may have been harmed on the way. */
  const small = (
    path: string,
    accept: string | null,
    check: (bytes: Uint8Array) => void,
  ): Promise<Document> =>
    anywhere((ask, attempts) => {
      const ways = { ...limits, attempts };
      const read = async (): Promise<Document> => {
        const document = await withRetries(() => readDocument(ask, path, accept, name), ways, signal, say);
        check(document.bytes);
        return document;
      };
      return read().catch((error) => {
        if (error instanceof BinfmtctlError && error.code === 'BAD_PACKAGE') return read();
        throw error;
      });
    });

  /** Nothing but its digest tells what a tag is. */
  const sayDigest = (digest: string): void => {
    const { protocol = '', host = '' } = clients[0]?.base() ?? {};
    if (protocol === 'https:' || isLoopback(host)) say(`${name} is ${digest} now`);
    else report({ kind: 'warning', text: `oci: ${name} ${UNPROTECTED} @${digest}` });
  };

  return {
    name,
    top: async () => {
      const { digest, tag } = reference;
      const document = await small(`manifests/${digest ?? tag}`, ACCEPT, (bytes) => {
        if (digest !== null) requireSame(`the manifest of ${name}`, digestOf(bytes), digest);
      });
      if (digest === null) sayDigest(digestOf(document.bytes));
      return document;
    },
    manifest: async (expected) => {
      const check = (bytes: Uint8Array) => requireDigest(`the manifest of ${name}`, bytes, expected);
      return (await small(`manifests/${expected.digest}`, ACCEPT, check)).bytes;
    },
    config: async (expected) => {
      const check = (bytes: Uint8Array) => requireDigest(`the configuration of ${name}`, bytes, expected);
      return (await small(`blobs/${expected.digest}`, null, check)).bytes;
    },
    layer: (expected: Expected, file) =>
      anywhere(async (ask, attempts) => {
        const open = (headers: Readonly<Record<string, string>>) => ask(`blobs/${expected.digest}`, headers);
        const { digest, size } = expected;
        const target = { kind: 'oci' as const, what: `layer ${digest}`, digest, size, maxBytes: size };
        await download(open, file, target, { ...options, limits: { ...limits, attempts } });
      }),
  };
}

/** Asks for a path below the repository; only a success comes back. */
type Ask = (path: string, headers: Readonly<Record<string, string>>) => Promise<HttpResponse>;

interface Client {
  /** With the scheme that it turned out to speak. */
  readonly base: () => URL;
  readonly ask: Ask;
}

function openClient(endpoint: Endpoint, name: string, options: LimitedTransfer): Client {
  const { registry, repository } = endpoint;
  const { signal, report } = options;
  let known: Promise<Login | null> | undefined;
  let authorization: string | null = null;
  const warn = (text: string): void => report({ kind: 'text', text: `oci: ${text}` });
  const login = () => (known ??= findLogin(registry, repository, { signal, warn }));
  const tls = tlsSettings(endpoint, warn);
  const { base, send } = openEndpoint(endpoint, tls, options);
  const ask: Ask = async (path, headers) => {
    const sendOn = () => send(path, { ...headers, ...(authorization === null ? {} : { authorization }) });
    let response = await sendOn();
    const challenge = response.headers['www-authenticate'];
    // Whoever it was redirected to is not told who we are.
    if (response.status === 401 && challenge !== undefined && response.url.origin === base().origin) {
      response.discard();
      const fresh = await authorize(challenge, { base: base(), repository, login, tls }, options);
      if (fresh !== null) {
        authorization = fresh;
        response = await sendOn();
      }
    }
    if (response.status === 200 || response.status === 206) return response;
    response.discard();
    throw statusError(response, base(), name);
  };
  return { base, ask };
}

/** What a registry says of the digest of a tag shows at least what was harmed on the way. */
function requireAnnounced({ headers }: HttpResponse, bytes: Uint8Array, name: string): void {
  const announced = headers['docker-content-digest'];
  if (typeof announced === 'string' && isDigest(announced))
    requireSame(`the manifest of ${name}`, digestOf(bytes), announced);
}

async function readDocument(ask: Ask, path: string, accept: string | null, name: string): Promise<Document> {
  const response = await ask(path, accept === null ? {} : { accept });
  const bytes = await readBody(response, MAX_MANIFEST);
  requireAnnounced(response, bytes, name);
  return { bytes, mediaType: mediaTypeOf(response) };
}

/** Some registries call everything JSON; what it is then is seen in it. */
function mediaTypeOf({ headers }: HttpResponse): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  const plain = type.trim().toLowerCase();
  return plain === 'application/json' || plain === 'application/octet-stream' ? '' : plain;
}
