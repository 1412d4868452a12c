/** What `url:` is followed by: an address and the sha256 of what is there. Pure. */

import { BinfmtctlError } from '../../errors.ts';
import { isLoopback } from '../../text/host.ts';
import { maskSecrets } from '../../text/secrets.ts';
import { quote } from '../../text/shell.ts';

export interface UrlSource {
  /** https:, http: or file:, without login and fragment. */
  readonly url: URL;
  /** The absolute path of a file: address, else null. */
  readonly path: string | null;
  /** Of the file that is downloaded, in lower case hex; null where anything is taken. */
  readonly sha256: string | null;
}

const FORM = 'https://HOST/FILE#sha256=HEX, or http: or file:///PATH with it';

/**
 * Reads `URL#sha256=HEX`.
 *
 * @throws BAD_SOURCE for what is no such address, holds a login, or has no sha256 and may not be taken without one: what is
 * not verified never comes over plain HTTP from another machine.
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

/** For messages: what follows the path may be secret. */
export const printAddress = ({ url, path }: Omit<UrlSource, 'sha256'>): string =>
  path ?? `${url.origin}${url.pathname}`;

/** The source that means those very bytes. */
export const printUrlSource = ({ url }: UrlSource, sha256: string): string =>
  `url:${url.href}#sha256=${sha256}`;

/** The last part of its path: `qemu-aarch64-static`. */
export function fileNameOf({ url, path }: UrlSource): string {
  const name = (path ?? url.pathname).split('/').at(-1) ?? '';
  return path === null ? (decoded(name) ?? name) : name;
}

function parseAddress(address: string): URL {
  // The URL parser would pass over white space, and take a backslash for a slash.
  const isPlain = /^(https?:\/\/[^/]|file:\/\/)/i.test(address) && !/[\s\p{Cc}\\]/u.test(address);
  if (!isPlain || !URL.canParse(address))
    throw bad(`source url: needs an address, not ${JSON.stringify(address)}`, `it is url:${FORM}`);
  const url = new URL(address);
  if (url.username === '' && url.password === '') return url;
  throw bad(
    `source url:${url.protocol}//… holds a login`,
    'it would stand in logs and lock files: download the file yourself and name it: url:file:///PATH#sha256=HEX',
  );
}

function parsePath({ host, pathname, search }: URL, address: string): string {
  const path = decoded(pathname);
  const isAbsolute = /^file:\/\/(localhost)?\//i.test(address);
  if (host === '' && isAbsolute && path !== null && search === '' && !/%(2f|7f|[01][\da-f])/i.test(pathname))
    return path;
  throw bad(
    `source url:${address} names no file of this machine`,
    'a file: address has an absolute path, without host, and %3F for a question mark: file:///srv/qemu.deb',
  );
}

function parseFragment(fragment: string): string {
  const sha256 = /^sha256=([0-9a-f]{64})$/i.exec(fragment)?.[1];
  if (sha256 !== undefined) return sha256.toLowerCase();
  throw bad(
    `${JSON.stringify(`#${fragment}`)} of source url: is no sha256`,
    'it is #sha256= and 64 hexadecimal digits, as sha256sum prints them',
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
      `\`${print}\` prints it, to compare with what its publisher says: name it with #sha256=HEX after the address, or take it unseen with --allow-unverified`,
    );
  }
  if (url.protocol === 'http:' && !isLoopback(url.host)) {
    throw bad(
      `source url:${name} has no sha256, and comes over plain HTTP`,
      'anybody on the way could change it: use https:, or name its sha256 with #sha256=HEX',
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
