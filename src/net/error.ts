/** What can go wrong with HTTP, said so that one knows what to do. */
import { BinfmtctlError, interrupted } from '../errors.ts';

/** Why something failed, kept as the cause of an error, so that it can be told what may work when it is tried again. */
export interface HttpFailure {
  /** Node's: ECONNRESET, CERT_HAS_EXPIRED …, or ours: STALLED, CUT_OFF, NOT_HTTP. */
  readonly code?: string | undefined;
  readonly status?: number | undefined;
  /** How long the server wants to be left alone. */
  readonly retryAfterMs?: number | undefined;
  /** Whose failure it is, and why, in few words: `registry.example:5000`, `nothing listens there`. */
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
/** Of undici's codes those that mean the same as another. */
const SAME_CODES: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ECONNRESET',
};
const TIMEOUTS = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT'];
const TRANSIENT_STATUSES = [408, 425, 429, 500, 502, 503, 504];

/** What to do where no source of emulators can be reached. */
export const OFFLINE_HINT =
  'check the network, or copy a file that `binfmtctl bundle` made elsewhere and use --source bundle:FILE';

const UNREACHABLE_CODES = ['UNREACHABLE', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT'];

const NETWORK_HINT = 'check the network and, where one is needed, the proxy (HTTPS_PROXY)';
const PROXY_HINT =
  'is what HTTPS_PROXY, HTTP_PROXY or ALL_PROXY says right, with a login where one is wanted, and does the proxy run? NO_PROXY names the hosts that need none';
const CERTIFICATE_HINT =
  "is this machine's clock right? Otherwise whoever runs the server has to renew its certificate";
const AUTHORITY_HINT = 'name the file with the certificate of its authority in SSL_CERT_FILE';
const HINTS: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  ENOTFOUND: ['no such host is known', 'is its name right? Otherwise check the network and its DNS'],
  EAI_AGAIN: ['its name cannot be looked up now', NETWORK_HINT],
  ECONNREFUSED: ['nothing listens there', 'is it the right host and port, and does the server run?'],
  ECONNRESET: ['the connection was broken off', NETWORK_HINT],
  STALLED: ['it has stopped answering', 'try again later, or use a mirror'],
  CUT_OFF: ['it ended too early', 'try again later, or use a mirror'],
  CERT_HAS_EXPIRED: ['its certificate has expired', CERTIFICATE_HINT],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', CERTIFICATE_HINT],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'its certificate is for another host',
    'is the name right? Somebody may stand between you and the server',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is signed by nobody that is trusted', AUTHORITY_HINT],
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate is signed by nobody that is trusted', AUTHORITY_HINT],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['its certificate is signed by nobody that is trusted', AUTHORITY_HINT],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['its certificate is signed by nobody that is trusted', AUTHORITY_HINT],
  NOT_HTTP: ['it does not speak HTTP', 'is it the right host and port, or does a proxy in between answer?'],
  UND_ERR_HEADERS_OVERFLOW: [
    'its answer has too many headers',
    'is it the right host and port, or does a proxy in between answer?',
  ],
  ENOMEM: [
    'its answer cannot be read within the limit on virtual memory',
    'the parser of HTTP reserves 10 GB of addresses: allow for them with `ulimit -v unlimited`, or set NODE_OPTIONS=--disable-wasm-trap-handler',
  ],
  EPROTO: [
    'it does not speak TLS',
    'plain HTTP is spoken only when that is said: oci:http://HOST/IMAGE, url:http://HOST/FILE#sha256=HEX',
  ],
};

/** What failed. */
export interface Failed {
  /** With what it failed on: `cannot fetch https://…`. */
  readonly what: string;
  /** Who was asked. */
  readonly host: string;
  readonly signal: AbortSignal;
  /** Whose failure it is, where that is a proxy's. */
  readonly proxy?: URL | null;
}

/** Returns an error of undici's with the code and the text of the others. @param answerMs the limit of its timeouts */
export function nodeError(error: unknown, answerMs: number): Error {
  const { name, code = '', message = String(error), cause } = (error ?? {}) as NodeJS.ErrnoException;
  // A certificate of a proxy's.
  if (code === 'UND_ERR_PRX_TLS') return cause as Error;
  if (TIMEOUTS.includes(code)) return stalled('no answer', answerMs);
  // Its parser sets no code.
  if (name === 'HTTPParserError') return failure(/EOF/.test(message) ? 'ECONNRESET' : 'NOT_HTTP', message);
  const same = SAME_CODES[code];
  if (same !== undefined) return failure(same, message);
  return error instanceof Error ? error : new Error(message);
}

/** Returns an error of Node's as one of ours. */
export function httpError(error: unknown, { what, host, signal, proxy = null }: Failed): BinfmtctlError {
  if (signal.aborted) return interrupted(signal, 'fetching');
  if (error instanceof BinfmtctlError) return error;
  const { code = '', message = String(error) } = error as { code?: string; message?: string };
  const known = HINTS[alias(code, message)];
  const [meaning, hint] = known ?? [message.split('\n')[0] || code, NETWORK_HINT];
  const reason = code === 'STALLED' ? `${meaning} (${message})` : meaning;
  // Never its login.
  const why = proxy === null ? reason : `the proxy ${proxy.host} fails: ${reason}`;
  const cause: HttpFailure = { code, host, why };
  return new BinfmtctlError('SOURCE_FAILED', `${what}: ${why}`, {
    hint: proxy === null ? hint : PROXY_HINT,
    cause,
  });
}

/** The code whose hint is the right one. */
function alias(code: string, message: string): string {
  if (/wrong version number|packet length/i.test(message)) return 'EPROTO';
  return message.startsWith('WebAssembly') ? 'ENOMEM' : code;
}

/** Whether the same may work when it is tried again. */
export function isTransient(error: unknown): boolean {
  const { code = '', status = 0 } = failureOf(error);
  return TRANSIENT_CODES.includes(code) || TRANSIENT_STATUSES.includes(status);
}

/** Whether an error came from a proxy that was asked for a tunnel. */
export const isOfProxy = (error: unknown): boolean =>
  (error as { isOfProxy?: boolean } | null)?.isOfProxy === true;

/** Whether an error means that this machine cannot reach the server at all. */
export const isUnreachable = (error: unknown): boolean =>
  UNREACHABLE_CODES.includes(failureOf(error).code ?? '');

export function failureOf(error: unknown): HttpFailure {
  const cause = error instanceof BinfmtctlError ? error.cause : undefined;
  return typeof cause === 'object' && cause !== null ? cause : {};
}

/** An error of which `isTransient` knows what it is. */
export const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code });

/** Of a server of which nothing came in time. @param what `no answer` */
export const stalled = (what: string, ms: number): Error => failure('STALLED', `${what} for ${ms / 1000} s`);
