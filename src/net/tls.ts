import type { ConnectionOptions } from 'node:tls';
import { BinfmtctlError } from '../errors.ts';
import { readTextIfExists } from '../system/file/read-file.ts';

/** How a server proves who it is, and how we do, beside what counts for all servers. */
export interface TlsSettings {
  /** PEM of authorities that count as well. */
  readonly ca: readonly string[];
  /** PEM of client certificates with their keys, in the same order. */
  readonly cert: readonly string[];
  readonly key: readonly string[];
  /** Any certificate does: for a server that could speak plain HTTP just as well. */
  readonly isUnverified?: boolean | undefined;
}

/** Options of Node's. */
export type TlsOptions = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'>;

/** Options of Node's for a TLS connection with these settings. @throws SOURCE_FAILED for an unusable SSL_CERT_FILE. */
export async function tlsOptions(settings: TlsSettings | null = null): Promise<TlsOptions> {
  const own = authorities();
  if (settings === null) return own === undefined ? {} : { ca: [own] };
  const { ca, cert, key, isUnverified = false } = settings;
  // Node's own authorities do not count once others are named.
  const all =
    ca.length === 0 ? (own ?? []) : [...(own === undefined ? await defaultAuthorities() : [own]), ...ca];
  return {
    ...(all.length > 0 && { ca: [all].flat() }),
    ...(cert.length > 0 && { cert: [...cert], key: [...key] }),
    ...(isUnverified && { rejectUnauthorized: false }),
  };
}

async function defaultAuthorities(): Promise<readonly string[]> {
  const { rootCertificates } = await import('node:tls');
  const extra = tryReadText(process.env['NODE_EXTRA_CA_CERTS'] ?? '');
  return extra === null ? rootCertificates : [...rootCertificates, extra];
}

/** The authorities whose certificates count, where the environment names them in place of Node's. */
function authorities(): string | undefined {
  const { SSL_CERT_FILE: path = '' } = process.env;
  if (path === '') return undefined;
  const text = tryReadText(path);
  if (text !== null && /^-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/m.test(text)) return text;
  const why = text === null ? 'cannot be read' : 'holds no certificate';
  throw new BinfmtctlError('SOURCE_FAILED', `${path}, which SSL_CERT_FILE names, ${why}`, {
    hint: 'set SSL_CERT_FILE to a file with the certificates of authorities (PEM), or unset it',
  });
}

function tryReadText(path: string): string | null {
  try {
    return path === '' ? null : readTextIfExists(path, { followLink: true });
  } catch {
    return null;
  }
}
