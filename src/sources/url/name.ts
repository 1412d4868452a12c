/** Parses the value of `url:`: a URL and the sha256 of its file. Pure. */

import { BinfmtctlError } from '../../errors.ts';
import { isLoopback } from '../../text/host.ts';
import { maskSecrets } from '../../text/secrets.ts';
import { quote } from '../../text/shell.ts';

export interface UrlSource {
  /** https:, http: or file:, without credentials and fragment. */
  readonly url: URL;
  /** The absolute path of a file: URL, otherwise null. */
  readonly path: string | null;
  /** sha256 of the file in lower-case hex; null if unverified. */
  readonly sha256: string | null;
}

const FORM = 'https://HOST/FILE#sha256=HEX, http://… or file:///PATH';

/**
 * Parses `URL#sha256=HEX`.
 *
 * @throws BAD_SOURCE if the URL is invalid or contains credentials, or if the sha256 is missing and `allowUnverified`
 * is not set. Plain HTTP from another machine always requires a sha256.
 */
export function parseUrlSource(
  text: string,
  { allowUnverified }: { readonly allowUnverified: boolean },
): UrlSource {
  const hash = text.indexOf('#');
  const address = hash < 0 ? text : text.slice(0, hash);
  const url = parseAddress(address);
  const source: UrlSource = {
    url,
    path: url.protocol === 'file:' ? parsePath(url, address) : null,
    sha256: hash < 0 ? null : parseFragment(text.slice(hash + 1)),
  };
  if (source.sha256 === null) assertVerifiable(source, { allowUnverified });
  return source;
}

/** The URL for messages, without the query, which may be secret. */
export const printAddress = ({ url, path }: Omit<UrlSource, 'sha256'>): string =>
  path ?? `${url.origin}${url.pathname}`;

/** The source specification pinned to a sha256. */
export const printUrlSource = ({ url }: UrlSource, sha256: string): string =>
  `url:${url.href}#sha256=${sha256}`;

/** The last component of the path: `qemu-aarch64-static`. */
export function fileNameOf({ url, path }: UrlSource): string {
  const name = (path ?? url.pathname).split('/').at(-1) ?? '';
  return path === null ? (decoded(name) ?? name) : name;
}

function parseAddress(address: string): URL {
  // The URL parser ignores white space and reads a backslash as a slash.
  const isPlain = /^(https?:\/\/[^/]|file:\/\/)/i.test(address) && !/[\s\p{Cc}\\]/u.test(address);
  if (!isPlain || !URL.canParse(address))
    throw bad(`invalid URL ${JSON.stringify(address)} in source url:`, `use url:${FORM}`);
  const url = new URL(address);
  if (url.username === '' && url.password === '') return url;
  throw bad(
    `source url:${url.protocol}//… contains credentials`,
    'credentials would end up in logs and lock files: download the file yourself and use url:file:///PATH#sha256=HEX',
  );
}

function parsePath({ host, pathname, search }: URL, address: string): string {
  const path = decoded(pathname);
  const isAbsolute = /^file:\/\/(localhost)?\//i.test(address);
  if (host === '' && isAbsolute && path !== null && search === '' && !/%(2f|7f|[01][\da-f])/i.test(pathname))
    return path;
  throw bad(
    `invalid file: URL in source url:${address}`,
    'use an absolute path without a host, such as file:///srv/qemu.deb; write ? as %3F',
  );
}

function parseFragment(fragment: string): string {
  const sha256 = /^sha256=([0-9a-f]{64})$/i.exec(fragment)?.[1];
  if (sha256 !== undefined) return sha256.toLowerCase();
  throw bad(
    `invalid sha256 ${JSON.stringify(`#${fragment}`)} in source url:`,
    'use #sha256= followed by 64 hexadecimal digits, as printed by sha256sum',
  );
}

function assertVerifiable(
  source: UrlSource,
  { allowUnverified }: { readonly allowUnverified: boolean },
): void {
  const { url, path } = source;
  const name = `${path === null ? url.origin : 'file://'}${url.pathname}`;
  if (!allowUnverified) {
    const print =
      path === null
        ? `curl -fsSL ${quote(url.search === '' ? name : 'URL')} | sha256sum`
        : `sha256sum ${quote(path)}`;
    throw bad(
      `source url:${name} has no sha256`,
      `append #sha256=HEX to the URL; \`${print}\` prints it, compare it with the publisher's; or use --allow-unverified`,
    );
  }
  if (url.protocol === 'http:' && !isLoopback(url.host)) {
    throw bad(
      `source url:${name} has no sha256 and uses plain HTTP`,
      'use https:, or append #sha256=HEX to the URL',
    );
  }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

const bad = (what: string, hint: string): BinfmtctlError =>
  new BinfmtctlError('BAD_SOURCE', maskSecrets(what), { hint });
