/**
 * Proxies as the environment names them: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in either case. undici's
 * EnvHttpProxyAgent knows neither ALL_PROXY nor networks in NO_PROXY, and would ask a proxy for this machine itself.
 */
import { BlockList, isIP } from 'node:net';
import { BinfmtctlError } from '../errors.ts';
import { isLoopback } from '../text/host.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for an address; null where it is to be reached directly, as this machine itself always is.
 *
 * @throws SOURCE_FAILED for a proxy that is no address, or of a kind that we do not speak.
 */
export function proxyFor(url: URL, environment: Environment = process.env): URL | null {
  // A web server that starts a program (CGI) sets HTTP_PROXY to what the client has sent as the header Proxy.
  const isFromClient = (name: string): boolean => name === 'HTTP_PROXY' && 'REQUEST_METHOD' in environment;
  const value = (name: string): string =>
    environment[name.toLowerCase()] || (isFromClient(name) ? '' : environment[name]) || '';
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const text = value(name) || value('ALL_PROXY');
  if (text === '' || isLoopback(url.host) || isExempt(url, value('NO_PROXY'))) return null;
  const proxy = toUrl(text.includes('://') ? text : `http://${text}`);
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy;
  // It may hold a password.
  throw new BinfmtctlError(
    'SOURCE_FAILED',
    `the proxy that ${name} names is no http:// or https:// address`,
    {
      hint: `set ${name} to http://HOST:PORT, or unset it`,
    },
  );
}

/** What a proxy is told of who we are, where its address says it. */
export function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` };
}

/** NO_PROXY: names, which stand for what is below them too, addresses, networks (10.0.0.0/8), each with a port or without. */
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
