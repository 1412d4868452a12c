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

/** Mirrors get fewer attempts than the registry: there is another endpoint to try. */
const MIRROR_ATTEMPTS = 2;
const UNPROTECTED =
  'was fetched over plain HTTP, without protection against changes: pin it to this version with';

/**
 * Opens an image in a registry that speaks the OCI distribution protocol. Falls back from the mirrors to the registry.
 */
export function openRegistry(
  reference: Reference,
  endpoints: readonly Endpoint[],
  options: LimitedTransfer,
): Images {
  const name = printReference(reference);
  const { report, limits, signal } = options;
  const log = (text: string): void => report({ kind: 'text', text: `oci: ${text}` });
  const clients = endpoints.map((endpoint) => openClient(endpoint, name, options));

  /** Runs an action at the first endpoint. If it fails, drops that endpoint for good and tries the next one. */
  async function atEndpoint<T>(action: (ask: Ask, attempts: number) => Promise<T>): Promise<T> {
    for (;;) {
      const [client, ...others] = clients;
      if (client === undefined) throw new Error('no endpoint');
      try {
        return await action(client.ask, others.length > 0 ? MIRROR_ATTEMPTS : limits.attempts);
      } catch (error) {
        if (others.length === 0 || signal.aborted || !(error instanceof BinfmtctlError)) throw error;
        log(`${error.message}; trying the next endpoint`);
        clients.shift();
      }
    }
  }

  /** Fetches a document. Retries once if its digest is wrong: it may have been corrupted in transit. */
  const fetchDocument = (
    path: string,
    accept: string | null,
    check: (bytes: Uint8Array) => void,
  ): Promise<Document> =>
    atEndpoint((ask, attempts) => {
      const allowed = { ...limits, attempts };
      const read = async (): Promise<Document> => {
        const document = await withRetries(() => readDocument(ask, path, accept, name), allowed, signal, log);
        check(document.bytes);
        return document;
      };
      return read().catch((error) => {
        if (error instanceof BinfmtctlError && error.code === 'BAD_PACKAGE') return read();
        throw error;
      });
    });

  /** Reports the digest behind a tag, so that the user can pin it. */
  const reportDigest = (digest: string): void => {
    const { protocol = '', host = '' } = clients[0]?.base() ?? {};
    if (protocol === 'https:' || isLoopback(host)) log(`${name} resolved to ${digest}`);
    else report({ kind: 'warning', text: `oci: ${name} ${UNPROTECTED} @${digest}` });
  };

  return {
    name,
    top: async () => {
      const { digest, tag } = reference;
      const document = await fetchDocument(`manifests/${digest ?? tag}`, ACCEPT, (bytes) => {
        if (digest !== null) requireSame(`the manifest of ${name}`, digestOf(bytes), digest);
      });
      if (digest === null) reportDigest(digestOf(document.bytes));
      return document;
    },
    manifest: async (expected) => {
      const check = (bytes: Uint8Array) => requireDigest(`the manifest of ${name}`, bytes, expected);
      return (await fetchDocument(`manifests/${expected.digest}`, ACCEPT, check)).bytes;
    },
    config: async (expected) => {
      const check = (bytes: Uint8Array) => requireDigest(`the configuration of ${name}`, bytes, expected);
      return (await fetchDocument(`blobs/${expected.digest}`, null, check)).bytes;
    },
    layer: (expected: Expected, file) =>
      atEndpoint(async (ask, attempts) => {
        const open = (headers: Readonly<Record<string, string>>) => ask(`blobs/${expected.digest}`, headers);
        const { digest, size } = expected;
        const target = { kind: 'oci' as const, what: `layer ${digest}`, digest, size, maxBytes: size };
        await download(open, file, target, { ...options, limits: { ...limits, attempts } });
      }),
  };
}

/** Requests a path below the repository. Throws unless the request succeeds. */
type Ask = (path: string, headers: Readonly<Record<string, string>>) => Promise<HttpResponse>;

interface Client {
  /** With the scheme that the endpoint was found to use. */
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
    // Hosts that the registry redirects to never get credentials.
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

/** Compares with the digest in the response's headers. This detects corruption in transit, not a dishonest registry. */
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

/** Empty for generic types, which some registries send: the document itself then tells its type. */
function mediaTypeOf({ headers }: HttpResponse): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  const plain = type.trim().toLowerCase();
  return plain === 'application/json' || plain === 'application/octet-stream' ? '' : plain;
}
