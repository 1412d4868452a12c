/**
 * Reads proxies from the environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in upper or lower case. undici's
 * EnvHttpProxyAgent supports neither ALL_PROXY nor networks in NO_PROXY, and uses a proxy even for localhost.
 */
import { BlockList, isIP } from 'node:net';
import { BinfmtctlError } from '../errors.ts';
import { isLoopback } from '../text/host.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the proxy for a URL; null for a direct connection, which localhost always has.
 *
 * @throws SOURCE_FAILED for a proxy with an invalid URL or an unsupported protocol.
 */
export function proxyFor(url: URL, environment: Environment = process.env): URL | null {
  // A CGI program gets the client's header Proxy as HTTP_PROXY.
  const isFromClient = (name: string): boolean => name === 'HTTP_PROXY' && 'REQUEST_METHOD' in environment;
  const value = (name: string): string =>
    environment[name.toLowerCase()] || (isFromClient(name) ? '' : environment[name]) || '';
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const text = value(name) || value('ALL_PROXY');
  if (text === '' || isLoopback(url.host) || isExempt(url, value('NO_PROXY'))) return null;
  const proxy = toUrl(text.includes('://') ? text : `http://${text}`);
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy;
  // Never print the value, which may contain a password.
  throw new BinfmtctlError('SOURCE_FAILED', `invalid proxy in ${name}: not an http:// or https:// URL`, {
    hint: `set ${name} to http://HOST:PORT, or unset it`,
  });
}

/** Returns the header with the credentials in a proxy's URL, if any. */
export function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` };
}

/** NO_PROXY contains names, which include their subdomains, addresses, and networks (10.0.0.0/8), each with an optional port. */
function isExempt({ hostname, port, protocol }: URL, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const actualPort = port || (protocol === 'https:' ? '443' : '80');
  return list.split(/[\s,]+/).some((each) => {
    if (each === '*') return true;
    const [, name = '', wantedPort] = /^(.*?)(?::(\d+))?$/.exec(isIP(each) === 6 ? `[${each}]` : each) ?? [];
    if (name === '' || (wantedPort !== undefined && wantedPort !== actualPort)) return false;
    if (name.includes('/')) return isWithin(host, name);
    const suffix = name.replace(/^\[|\]$|^\*?\./g, '').toLowerCase();
    return host === suffix || (isIP(host) === 0 && host.endsWith(`.${suffix}`));
  });
}

function isWithin(host: string, network: string): boolean {
  const [address = '', prefix = ''] = network.split('/');
  const family = isIP(host);
  const most = family === 4 ? 32 : 128;
  if (family === 0 || isIP(address) !== family || !/^\d{1,3}$/.test(prefix) || Number(prefix) > most)
    return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, Number(prefix), type);
  return list.check(host, type);
}

function toUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
