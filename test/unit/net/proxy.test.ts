import { describe, expect, it } from 'vitest';
import { proxyAuthorization, proxyFor } from '../../../src/net/proxy.ts';

const through = (url: string, environment: Record<string, string>) =>
  proxyFor(new URL(url), environment)?.href ?? null;

describe('proxyFor', () => {
  it('depends on the scheme of the URL; lower-case variables take precedence', () => {
    const environment = { HTTPS_PROXY: 'http://a:1', https_proxy: 'b:2', HTTP_PROXY: 'http://c:3' };
    expect(through('https://x.example/', environment)).toBe('http://b:2/');
    expect(through('http://x.example/', environment)).toBe('http://c:3/');
    expect(through('https://x.example/', { ALL_PROXY: 'https://d:4' })).toBe('https://d:4/');
    expect(through('https://x.example/', { HTTPS_PROXY: '' })).toBeNull();
  });

  it('ignores upper-case HTTP_PROXY in CGI programs, where the client sets it', () => {
    const environment = { HTTP_PROXY: 'http://a:1', REQUEST_METHOD: 'GET' };
    expect(through('http://x.example/', environment)).toBeNull();
    expect(through('http://x.example/', { ...environment, http_proxy: 'http://b:2' })).toBe('http://b:2/');
    expect(through('https://x.example/', { ...environment, HTTPS_PROXY: 'http://c:3' })).toBe('http://c:3/');
  });

  it.each([
    ['*', 'https://x.example/'],
    ['x.example', 'https://x.example/'],
    ['.example', 'https://x.example/'],
    ['*.example', 'https://x.example/'],
    ['example', 'https://x.example/'],
    ['a, x.example:443', 'https://x.example/'],
    ['10.1.2.3', 'https://10.1.2.3/'],
    ['10.0.0.0/8', 'https://10.1.2.3/'],
    ['fd00::/8', 'https://[fd00::1]:5000/'],
    ['fd00::1', 'https://[fd00::1]/'],
  ])('NO_PROXY=%s exempts %s', (list, url) => {
    expect(through(url, { HTTPS_PROXY: 'http://a:1', NO_PROXY: list })).toBeNull();
  });

  it.each([
    ['x.example:80', 'https://x.example/'],
    ['ample', 'https://x.example/'],
    ['x.example.org', 'https://x.example/'],
    ['.2.3', 'https://10.1.2.3/'],
    ['10.0.0.0/99', 'https://10.1.2.3/'],
    ['11.0.0.0/8', 'https://10.1.2.3/'],
    ['', 'https://x.example/'],
  ])('NO_PROXY=%s does not exempt %s', (list, url) => {
    expect(through(url, { HTTPS_PROXY: 'http://a:1', NO_PROXY: list })).toBe('http://a:1/');
  });

  it('returns null for this machine', () => {
    for (const host of ['localhost', '127.0.0.1:5000', '[::1]:5000'])
      expect(through(`http://${host}/`, { HTTP_PROXY: 'http://a:1' })).toBeNull();
  });

  it('rejects an unsupported proxy without printing it', () => {
    expect(() => through('https://x/', { HTTPS_PROXY: 'socks5://me:secret@a:1' })).toThrow(
      expect.objectContaining({ code: 'SOURCE_FAILED', message: expect.not.stringContaining('secret') }),
    );
    expect(() => through('https://x/', { HTTPS_PROXY: 'http://' })).toThrow();
  });
});

describe('proxyAuthorization', () => {
  it('returns the credentials in the URL of the proxy, if any', () => {
    expect(proxyAuthorization(new URL('http://me:p%40ss@a'))).toEqual({
      'proxy-authorization': `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    });
    expect(proxyAuthorization(new URL('http://a'))).toEqual({});
  });
});
