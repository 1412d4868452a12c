/** Turns HTTP errors into messages with hints. */
import { BinfmtctlError, interrupted } from '../errors.ts';

/** The cause of an HTTP error, which determines whether a retry may succeed. */
export interface HttpFailure {
  /** Node's: ECONNRESET, CERT_HAS_EXPIRED …, or ours: STALLED, CUT_OFF, NOT_HTTP. */
  readonly code?: string | undefined;
  readonly status?: number | undefined;
  /** The server's Retry-After. */
  readonly retryAfterMs?: number | undefined;
  /** The host that failed, and the reason: `registry.example:5000`, `connection refused`. */
  readonly host?: string | undefined;
  readonly why?: string | undefined;
}

const TRANSIENT_CODES = [
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'STALLED',
  'CUT_OFF',
  'NOT_HTTP',
];
/** undici's codes that mean the same as a code of Node's. */
const SAME_CODES: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ECONNRESET',
};
const TIMEOUTS = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT'];
const TRANSIENT_STATUSES = [408, 425, 429, 500, 502, 503, 504];

/** The hint if no source of emulators is reachable. */
export const OFFLINE_HINT =
  'check the network, or copy a file of `binfmtctl bundle` from another machine and use --source bundle:FILE';

const UNREACHABLE_CODES = ['UNREACHABLE', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT'];

const NETWORK_HINT = 'check the network and, if you need a proxy, HTTPS_PROXY';
const PROXY_HINT =
  'check HTTPS_PROXY, HTTP_PROXY or ALL_PROXY (with credentials if required), and that the proxy is running; NO_PROXY lists hosts to reach without it';
const CERTIFICATE_HINT =
  "check this machine's clock; if it is right, the operator of the server must renew the certificate";
const UNTRUSTED = [
  'its certificate is not signed by a trusted CA',
  'set SSL_CERT_FILE to a file with the certificate of that CA',
] as const;
const SERVER_HINT = 'check host and port, and whether a proxy answers instead of the server';
const HINTS: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  ENOTFOUND: ['host not found', 'check the host name, the network and DNS'],
  EAI_AGAIN: ['DNS is not available', NETWORK_HINT],
  ECONNREFUSED: ['connection refused', 'check host and port, and that the server is running'],
  ECONNRESET: ['connection closed unexpectedly', NETWORK_HINT],
  STALLED: ['timed out', 'try again later, or use a mirror'],
  CUT_OFF: ['incomplete response', 'try again later, or use a mirror'],
  CERT_HAS_EXPIRED: ['its certificate has expired', CERTIFICATE_HINT],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', CERTIFICATE_HINT],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'its certificate is for another host',
    'check the host name; if it is right, the connection may be intercepted',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  NOT_HTTP: ['the response is not HTTP', SERVER_HINT],
  UND_ERR_HEADERS_OVERFLOW: ['too many headers in the response', SERVER_HINT],
  ENOMEM: [
    'cannot parse the response within the limit on virtual memory',
    'the HTTP parser reserves 10 GB of address space: run `ulimit -v unlimited`, or set NODE_OPTIONS=--disable-wasm-trap-handler',
  ],
  EPROTO: [
    'the server does not support TLS',
    'to use plain HTTP: oci:http://HOST/IMAGE, or url:http://HOST/FILE#sha256=HEX',
  ],
};

/** A failed operation. */
export interface Failed {
  /** The operation and its object: `cannot fetch https://…`. */
  readonly what: string;
  /** The requested host. */
  readonly host: string;
  readonly signal: AbortSignal;
  /** The proxy, if it caused the failure. */
  readonly proxy?: URL | null;
}

/** Converts an error of undici to one with a code of Node's or ours. @param answerMs the limit of its timeouts */
export function nodeError(error: unknown, answerMs: number): Error {
  const { name, code = '', message = String(error), cause } = (error ?? {}) as NodeJS.ErrnoException;
  // An error of a proxy's certificate.
  if (code === 'UND_ERR_PRX_TLS') return cause as Error;
  if (TIMEOUTS.includes(code)) return stalled('no response', answerMs);
  // Its parser sets no code.
  if (name === 'HTTPParserError') return failure(/EOF/.test(message) ? 'ECONNRESET' : 'NOT_HTTP', message);
  const same = SAME_CODES[code];
  if (same !== undefined) return failure(same, message);
  return error instanceof Error ? error : new Error(message);
}

/** Converts an error of Node to a BinfmtctlError. */
export function httpError(error: unknown, { what, host, signal, proxy = null }: Failed): BinfmtctlError {
  if (signal.aborted) return interrupted(signal, 'fetching');
  if (error instanceof BinfmtctlError) return error;
  const { code = '', message = String(error) } = error as { code?: string; message?: string };
  const known = HINTS[alias(code, message)];
  const [meaning, hint] = known ?? [message.split('\n')[0] || code, NETWORK_HINT];
  const reason = code === 'STALLED' ? `${meaning} (${message})` : meaning;
  // Never print its credentials.
  const why = proxy === null ? reason : `proxy ${proxy.host}: ${reason}`;
  const cause: HttpFailure = { code, host, why };
  return new BinfmtctlError('SOURCE_FAILED', `${what}: ${why}`, {
    hint: proxy === null ? hint : PROXY_HINT,
    cause,
  });
}

/** The key in HINTS for an error. */
function alias(code: string, message: string): string {
  if (/wrong version number|packet length/i.test(message)) return 'EPROTO';
  return message.startsWith('WebAssembly') ? 'ENOMEM' : code;
}

/** Whether a retry may succeed. */
export function isTransient(error: unknown): boolean {
  const { code = '', status = 0 } = failureOf(error);
  return TRANSIENT_CODES.includes(code) || TRANSIENT_STATUSES.includes(status);
}

/** Whether an error came from the proxy of a tunnel. */
export const isOfProxy = (error: unknown): boolean =>
  (error as { isOfProxy?: boolean } | null)?.isOfProxy === true;

/** Whether an error means that this machine cannot reach the server at all. */
export const isUnreachable = (error: unknown): boolean =>
  UNREACHABLE_CODES.includes(failureOf(error).code ?? '');

export function failureOf(error: unknown): HttpFailure {
  const cause = error instanceof BinfmtctlError ? error.cause : undefined;
  return typeof cause === 'object' && cause !== null ? cause : {};
}

/** An error with a code for `isTransient` and `httpError`. */
export const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code });

/** A timeout. @param what `no response` */
export const stalled = (what: string, ms: number): Error => failure('STALLED', `${what} for ${ms / 1000} s`);
