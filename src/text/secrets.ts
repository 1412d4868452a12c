/** Logins and signatures in the addresses that users and servers give. */

const MASK = '***';

/**
 * The text with the logins and queries of all addresses in it masked, for messages. Takes time in proportion to the text,
 * which may come from outside.
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

/** What follows `://`. A password may have a slash in it: then the login ends at the last `@`. */
function withoutLogin(text: string): string {
  const authority = text.split(/[/?#]/, 1)[0] ?? '';
  const at = authority.lastIndexOf('@');
  if (at >= 0) return `${MASK}${text.slice(at)}`;
  const hasPassword = authority.includes(':') && !/:\d*$|\]$/.test(authority);
  const end = hasPassword ? lastAt(text) : -1;
  return end < 0 ? text : `${MASK}${text.slice(end)}`;
}

/** `oci:user:password@host/image`, without a scheme. */
function maskBareLogin(word: string): string {
  const start = /^(?:oci|url):/i.test(word) ? 4 : 0;
  const at = lastAt(word);
  const login = at < 0 ? '' : word.slice(start, at);
  return login.includes(':') && !login.includes('/')
    ? `${word.slice(0, start)}${MASK}${word.slice(at)}`
    : word;
}

/** The last `@` that does not begin a digest; -1 without one. */
function lastAt(text: string): number {
  let at = text.lastIndexOf('@');
  while (at > 0 && text.startsWith('@sha256:', at)) at = text.lastIndexOf('@', at - 1);
  return at;
}

/** Names of query parameters that grant access: those of signed URLs of AWS, Google, Azure, Aliyun, CloudFront, and tokens. */
const GRANTS =
  /^x-|^(?:sig|sign|se|sp|sv|st|expires|policy|key|jwt|code|auth)$|signature|token|secret|passw|pwd|authorization|credential|access_?-?(?:id|key)|api_?-?key|key-pair|session/i;

/** `url:URL#sha256=HEX` without its query, if that grants access: it is a secret, and soon expires. */
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
