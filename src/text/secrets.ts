/** Credentials and signatures in URLs from users and servers. */

const MASK = '***';

/**
 * Masks the credentials and queries of all URLs in a text, for messages. Runs in linear time, because the text may be
 * untrusted.
 */
export const maskSecrets = (text: string): string =>
  text
    .split(/([\s"']+)/)
    .map(maskWord)
    .join('');

function maskWord(word: string): string {
  const scheme = word.indexOf('://');
  if (scheme < 0) return maskBareLogin(word);
  const start = scheme + 3;
  const address = `${word.slice(0, start)}${withoutLogin(word.slice(start))}`;
  const query = address.indexOf('?');
  const fragment = address.indexOf('#');
  if (query < 0 || (fragment >= 0 && fragment < query)) return address;
  return `${address.slice(0, query)}?${MASK}${fragment < 0 ? '' : address.slice(fragment)}`;
}

/** Masks the credentials in a URL without its scheme. A password may contain a slash: then the credentials end at the last `@`. */
function withoutLogin(text: string): string {
  const authority = text.split(/[/?#]/, 1)[0] ?? '';
  const at = authority.lastIndexOf('@');
  if (at >= 0) return `${MASK}${text.slice(at)}`;
  const hasPassword = authority.includes(':') && !/:\d*$|\]$/.test(authority);
  const end = hasPassword ? lastAt(text) : -1;
  return end < 0 ? text : `${MASK}${text.slice(end)}`;
}

/** Masks the credentials in `oci:user:password@host/image`, which has no `://`. */
function maskBareLogin(word: string): string {
  const start = /^(?:oci|url):/i.test(word) ? 4 : 0;
  const at = lastAt(word);
  const login = at < 0 ? '' : word.slice(start, at);
  return login.includes(':') && !login.includes('/')
    ? `${word.slice(0, start)}${MASK}${word.slice(at)}`
    : word;
}

/** Position of the last `@` that does not begin a digest; -1 if there is none. */
function lastAt(text: string): number {
  let at = text.lastIndexOf('@');
  while (at > 0 && text.startsWith('@sha256:', at)) at = text.lastIndexOf('@', at - 1);
  return at;
}

/** Names of query parameters that grant access: tokens, and the signed URLs of AWS, Google, Azure, Aliyun and CloudFront. */
const GRANTS =
  /^x-|^(?:sig|sign|se|sp|sv|st|expires|policy|key|jwt|code|auth)$|signature|token|secret|passw|pwd|authorization|credential|access_?-?(?:id|key)|api_?-?key|key-pair|session/i;

/** `url:URL#sha256=HEX` without its query, if the query grants access: such a query is secret and expires soon. */
export function withoutGrant(source: string): string {
  const [, address = '', query = '', rest = ''] = /^(url:[^?#]*)\?([^#]*)(.*)$/s.exec(source) ?? [];
  const names = query.split('&').map((pair) => pair.split('=')[0] ?? '');
  return names.some((name) => GRANTS.test(decoded(name))) ? `${address}${rest}` : source;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
