import type { ConnectionOptions } from 'node:tls';
import { BinfmtctlError } from '../errors.ts';
import { readTextIfExists } from '../system/file/read-file.ts';

/** The TLS settings for a server, in addition to the defaults. */
export interface TlsSettings {
  /** PEM of additional CA certificates. */
  readonly ca: readonly string[];
  /** PEM of client certificates with their keys, in the same order. */
  readonly cert: readonly string[];
  readonly key: readonly string[];
  /** Whether to accept any certificate: for a server that may use plain HTTP as well. */
  readonly isUnverified?: boolean | undefined;
}

/** Node's options for a TLS connection. */
export type TlsOptions = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'>;

/** Returns Node's options for a TLS connection. @throws SOURCE_FAILED for an unusable SSL_CERT_FILE. */
export async function tlsOptions(settings: TlsSettings | null = null): Promise<TlsOptions> {
  const own = authorities();
  if (settings === null) return own === undefined ? {} : { ca: [own] };
  const { ca, cert, key, isUnverified = false } = settings;
  // The option `ca` replaces Node's CA certificates, so they must be included.
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

/** The CA certificates in SSL_CERT_FILE, which replace Node's; undefined if it is not set. */
function authorities(): string | undefined {
  const { SSL_CERT_FILE: path = '' } = process.env;
  if (path === '') return undefined;
  const text = tryReadText(path);
  if (text !== null && /^-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/m.test(text)) return text;
  const why = text === null ? 'cannot read it' : 'it contains no certificate';
  throw new BinfmtctlError('SOURCE_FAILED', `invalid SSL_CERT_FILE: ${path}: ${why}`, {
    hint: 'set SSL_CERT_FILE to a file with CA certificates (PEM), or unset it',
  });
}

function tryReadText(path: string): string | null {
  try {
    return path === '' ? null : readTextIfExists(path, { followLink: true });
  } catch {
    return null;
  }
}
