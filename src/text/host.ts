/** Hosts in URLs and image references, with or without a port. */

const MAX_NAME = 255;
const HOST =
  /^(?:(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/i;

/** Whether the text is a host name, an IPv4 address or a bracketed IPv6 address, with or without a port. */
export function isHost(text: string): boolean {
  const port = /\]?:([0-9]+)$/.exec(text.startsWith('[') ? text.slice(text.indexOf(']')) : text)?.[1];
  return text.length <= MAX_NAME && HOST.test(text) && Number(port ?? 1) >= 1 && Number(port ?? 1) <= 65535;
}

/** Whether a host, with or without a port, is a loopback name or address. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:[0-9]+$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127(?:\.[0-9]{1,3}){3}$/.test(name);
}

/**
 * Whether the host of a URL, with or without a port, may be this machine. Includes `*.localhost`, which only some resolvers map
 * to loopback (RFC 6761, 6.3), and the unspecified address (0.0.0.0), which Linux connects to loopback.
 */
export function mayBeLoopback(host: string): boolean {
  const name = host
    .replace(/:[0-9]+$/, '')
    .replace(/\.$/, '')
    .toLowerCase();
  const mapped = /^\[::ffff:(?:0|7f[0-9a-f]{2}):[0-9a-f]{1,4}\]$/;
  return isLoopback(name) || name.endsWith('.localhost') || /^(0\.|\[::\])/.test(name) || mapped.test(name);
}
