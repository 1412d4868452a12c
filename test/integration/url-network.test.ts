import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeCertificate } from './fixtures/certificate.ts';
import { tar } from './fixtures/deb.ts';
import { faultyProxy } from './fixtures/faulty-proxy.ts';
import { fakeQemu } from './fixtures/programs.ts';
import { pullFrom, refused, sha256Of, type UrlSettings } from './fixtures/pull-url.ts';
import { temporaryFolder } from './fixtures/temporary.ts';
import { serve, startWeb, type Web, type WebOptions } from './fixtures/web.ts';

const at = temporaryFolder();
const open: { close: () => Promise<void> }[] = [];
const program = fakeQemu();
/** Content that arrives in several parts. */
const archive = await tar([
  { name: 'noise', bytes: randomBytes(60_000) },
  { name: 'usr/bin/qemu-aarch64', bytes: program },
]);
const FILES = { '/qemu.tar': archive };
const HASH = `#sha256=${sha256Of(archive)}`;
const good = { found: ['aarch64'], leftovers: [], bytes: [Buffer.from(program)] };

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map(({ close }) => close()));
});

async function start(intercept?: WebOptions['intercept'], tls?: WebOptions['tls']): Promise<Web> {
  const web = await startWeb(FILES, { ...(intercept ? { intercept } : {}), ...(tls ? { tls } : {}) });
  open.push(web);
  return web;
}

const fetchIt = ({ origin }: Web, settings?: UrlSettings) =>
  pullFrom(at(), `${origin}/qemu.tar${HASH}`, settings);
const fetchUnverified = ({ origin }: Web) => pullFrom(at(), `${origin}/qemu.tar`, { allowUnverified: true });
const answer = (response: ServerResponse, status: number, headers = {}, body: string | Uint8Array = '') =>
  response.writeHead(status, headers).end(body) && true;
/** Sends the start of the file, then closes the connection. */
const breakOff = (response: ServerResponse, headers = {}) => {
  response.writeHead(200, headers).write(archive.subarray(0, 20_000), () => response.socket?.destroySoon());
  return true;
};

describe('a server', () => {
  it('receives a request without identifying headers', async () => {
    const web = await start();
    expect(await pullFrom(at(), `${web.origin}/qemu.tar?token=secret${HASH}`)).toMatchObject({
      ...good,
      from: [`/usr/bin/qemu-aarch64 of ${web.origin}/qemu.tar`],
    });
    expect(web.requests.map(({ line }) => line)).toEqual(['GET /qemu.tar?token=secret']);
    expect(Object.keys(web.requests[0]?.headers ?? {}).toSorted()).toEqual([
      'connection',
      'host',
      'user-agent',
    ]);
  });

  it('with TLS needs a trusted certificate that has not expired', async () => {
    const certificate = makeCertificate(at());
    const web = await start(undefined, certificate);
    vi.stubEnv('SSL_CERT_FILE', certificate.file);
    expect(await fetchIt(web)).toMatchObject(good);
    expect(await fetchUnverified(web)).toMatchObject(good);
    const old = makeCertificate(at(), 'DNS:localhost,IP:127.0.0.1', -1);
    vi.stubEnv('SSL_CERT_FILE', old.file);
    expect(await fetchIt(await start(undefined, old))).toMatchObject(
      refused('SOURCE_FAILED', /has expired/, /clock/),
    );
    vi.stubEnv('SSL_CERT_FILE', '');
    expect(await fetchIt(web)).toMatchObject(
      refused('SOURCE_FAILED', /not signed by a trusted CA/, /SSL_CERT_FILE/),
    );
  });

  it('with TLS is not contacted if the configured CA file is missing', async () => {
    const web = await start(undefined, makeCertificate(at()));
    await writeFile(at('empty.pem'), 'no certificate\n');
    for (const [file, why] of [
      [at('absent.pem'), 'cannot read it'],
      [at(''), 'cannot read it'],
      [at('empty.pem'), 'it contains no certificate'],
    ] as const) {
      vi.stubEnv('SSL_CERT_FILE', file);
      expect(await fetchIt(web)).toMatchObject(
        refused('SOURCE_FAILED', `invalid SSL_CERT_FILE: ${file}: ${why}`, /unset it/),
      );
      expect(await fetchIt(await start())).toMatchObject(good);
    }
    expect(web.requests).toEqual([]);
  });

  it.each([
    [401, /requires authentication \(status 401\)/, /download the file yourself/],
    [403, /requires authentication/, /file:\/\//],
    [404, /has no such file \(status 404\)/, /check the URL/],
    [410, /has no such file/, /check the URL/],
    [204, /sent an unexpected response/, /check the URL/],
    [500, /returned a server error \(status 500\)/, /try again later/],
    [429, /rate limited the request/, /try again later/],
  ])('that responds with status %i is reported', async (status, message, hint) => {
    const web = await start((_, response) => answer(response, status, { 'retry-after': '0' }));
    expect(await fetchIt(web)).toMatchObject(refused('SOURCE_FAILED', message, hint));
    expect(web.requests).toHaveLength([429, 500].includes(status) ? 4 : 1);
  });

  it('is retried after 429 and 5xx, no sooner than Retry-After says, and given up if that is long', async () => {
    const times: number[] = [];
    const web = await start((_, response) => {
      times.push(performance.now());
      if (times.length === 1) return answer(response, 503, { 'retry-after': '1' });
      return times.length === 2 ? answer(response, 429) : false;
    });
    const result = await fetchIt(web);
    expect(result).toMatchObject(good);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950);
    const { host } = new URL(web.origin);
    expect(result.texts.filter((text) => text.includes('retrying'))).toEqual([
      `url: ${host}: asked to wait 1 s; retrying (2 of 4)`,
      `url: ${host}: status 429; retrying (3 of 4)`,
    ]);
    const later = await start((_, response) => answer(response, 429, { 'retry-after': '3600' }));
    expect(await fetchIt(later)).toMatchObject(refused('SOURCE_FAILED', /rate limited/, /60 minutes/));
  });

  it('that is unknown or does not listen is reported', async () => {
    const unknown = await pullFrom(at(), `http://no-such-host.invalid/x${HASH}`, { limits: { attempts: 1 } });
    expect(unknown).toMatchObject(
      refused('SOURCE_FAILED', /host not found|DNS is not available/, /DNS|network/),
    );
    const closed = await pullFrom(at(), `http://127.0.0.1:1/x${HASH}`, { limits: { attempts: 1 } });
    expect(closed).toMatchObject(refused('SOURCE_FAILED', /connection refused/, /host and port/));
  });

  it('without TLS is refused for https:', async () => {
    const web = await start();
    const source = `${web.origin.replace('http:', 'https:')}/qemu.tar${HASH}`;
    expect(await pullFrom(at(), source)).toMatchObject(
      refused('SOURCE_FAILED', /the server does not support TLS/, /url:http/),
    );
  });

  it('is given up if it stalls before or within a response', async () => {
    const silent = await start(() => true);
    const limits = { answerMs: 100, stallMs: 100, attempts: 2 };
    const result = await fetchIt(silent, { limits });
    expect(result).toMatchObject(refused('SOURCE_FAILED', /timed out \(no response for 0\.1 s\)/, /later/));
    expect(result.texts.at(-1)).toMatch(
      /^url: 127\.0\.0\.1:\d+: timed out \(no response for 0\.1 s\); retrying \(2 of 2\)$/,
    );
    const dripping = await start((_, response) => {
      response.writeHead(200, { 'content-length': archive.length });
      const timer = setInterval(() => response.write('x'.repeat(1500)), 20);
      response.on('close', () => clearInterval(timer));
      return true;
    });
    expect(await fetchIt(dripping, { limits })).toMatchObject(refused('SOURCE_FAILED', /timed out/));
  });

  it('leaves nothing when interrupted', async () => {
    const stop = new AbortController();
    const web = await start((_, response) => {
      const started = response.writeHead(200, { 'content-length': archive.length });
      started.write(archive.subarray(0, 1000), () => stop.abort());
      return true;
    });
    expect(await fetchIt(web, { signal: stop.signal })).toMatchObject({
      error: expect.objectContaining({ code: 'INTERRUPTED' }),
      stored: [],
      leftovers: [],
    });
  });
});

describe('a download', () => {
  it('is refused if the sha256 differs again after a retry', async () => {
    const web = await start((_, response) =>
      answer(response, 200, {}, Buffer.from(archive).fill(7, 100, 200)),
    );
    expect(await fetchIt(web)).toMatchObject(
      refused('BAD_PACKAGE', /qemu\.tar has the digest sha256:\w+, not sha256:/, /do not trust/),
    );
    expect(web.requests).toHaveLength(2);
    let count = 0;
    const once = await start((_, response) => count++ === 0 && answer(response, 200, {}, 'wrong'));
    expect(await fetchIt(once)).toMatchObject(good);
  });

  it('is rejected if every answer is truncated, with and without a length', async () => {
    const cut = await start((_, response) => breakOff(response, { 'content-length': archive.length }));
    expect(await fetchIt(cut)).toMatchObject(
      refused('SOURCE_FAILED', /connection closed unexpectedly|incomplete response/),
    );
    const short = await start((_, response) => {
      response.useChunkedEncodingByDefault = false;
      return answer(response, 200, { connection: 'close' }, archive.subarray(0, 30_000));
    });
    expect(await fetchIt(short)).toMatchObject(refused('BAD_PACKAGE', /has the digest/));
    expect(await fetchUnverified(short)).toMatchObject(refused('BAD_PACKAGE', /truncated/));
  });

  it('is resumed after a broken connection if the file is unchanged', async () => {
    const ranges: unknown[] = [];
    const web = await start((request, response) => {
      ranges.push([request.headers.range, request.headers['if-range']]);
      return ranges.length === 1 && breakOff(response, { 'content-length': archive.length, etag: '"one"' });
    });
    expect(await fetchIt(web)).toMatchObject(good);
    expect(ranges).toEqual([
      [undefined, undefined],
      ['bytes=20000-', '"one"'],
    ]);
  });

  it('is resumed without a length, and restarted if the server does not support ranges', async () => {
    let count = 0;
    const chunked = await start((_, response) => ++count === 1 && breakOff(response));
    expect(await fetchIt(chunked)).toMatchObject(good);
    expect(chunked.requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=20000-']);
    const anew = await start((request, response) => {
      delete request.headers.range;
      return anew.requests.length === 1 && breakOff(response);
    });
    expect(await fetchIt(anew)).toMatchObject(good);
  });

  it('never mixes two versions if it is unverified', async () => {
    const other = await tar([{ name: 'usr/bin/qemu-aarch64', bytes: 'other' }]);
    for (const headers of [
      { etag: '"one"' },
      { etag: 'W/"weak"' },
      { 'last-modified': 'Sat, 21 Nov 2026 00:00:00 GMT' },
      {},
    ]) {
      const web = await start((request, response) => {
        if (web.requests.length === 1) return breakOff(response, headers);
        // Servers that have a newer version do this.
        if (request.headers['if-range'] !== undefined) return answer(response, 200, {}, other);
        return request.headers.range === undefined && answer(response, 200, {}, other);
      });
      const { bytes, leftovers } = await fetchUnverified(web);
      expect({ bytes: bytes?.map(String), leftovers }).toEqual({ bytes: ['other'], leftovers: [] });
    }
  });

  it('is refused if another range arrives than requested', async () => {
    const web = await start((_, response) =>
      answer(response, 206, { 'content-range': 'bytes 512-1000/60000' }, archive.subarray(512, 1001)),
    );
    expect(await fetchUnverified(web)).toMatchObject(
      refused('SOURCE_FAILED', /received another range than requested/),
    );
  });

  it('is refused if it is too large, whether announced or not', async () => {
    const announced = await start((_, response) => answer(response, 200, { 'content-length': 2 ** 31 }));
    expect(await fetchIt(announced)).toMatchObject(refused('BAD_PACKAGE', /larger than 1073741824 bytes/));
  });
});

describe('a redirect', () => {
  it('is followed to another server without sending credentials', async () => {
    const other = await start();
    const web = await start((_, response) => answer(response, 302, { location: `${other.origin}/qemu.tar` }));
    expect(await fetchIt(web)).toMatchObject(good);
    expect(Object.keys(other.requests[0]?.headers ?? {}).toSorted()).toEqual([
      'connection',
      'host',
      'user-agent',
    ]);
    const gone = await start((_, response) => answer(response, 302, { location: `${other.origin}/gone` }));
    expect(await fetchIt(gone)).toMatchObject(
      refused('SOURCE_FAILED', /redirects to 127\.0\.0\.1:\d+, which has no such file/),
    );
  });

  it('from https: to plain HTTP is rejected', async () => {
    const certificate = makeCertificate(at());
    vi.stubEnv('SSL_CERT_FILE', certificate.file);
    const plain = await start();
    const web = await start(
      (_, response) => answer(response, 301, { location: `${plain.origin}/qemu.tar` }),
      certificate,
    );
    expect(await fetchIt(web)).toMatchObject(
      refused('SOURCE_FAILED', /redirects to plain HTTP/, /does not follow such redirects/),
    );
    expect(plain.requests).toEqual([]);
  });

  it('from plain HTTP to plain HTTP of another machine is followed if the file is verified, but never back to this machine', async () => {
    const own = await start();
    const targets: Record<string, string> = {
      'http://first.example/qemu.tar': 'http://second.example/qemu.tar',
      'http://bad.example/qemu.tar': `${own.origin}/qemu.tar`,
      'http://worse.example/qemu.tar': `http://localhost:${new URL(own.origin).port}/qemu.tar`,
    };
    const proxy = await start((request, response) => {
      const location = targets[request.url ?? ''];
      if (location !== undefined) return answer(response, 302, { location });
      request.url = new URL(request.url ?? '').pathname;
      return false;
    });
    vi.stubEnv('HTTP_PROXY', proxy.origin);
    expect(await pullFrom(at(), `http://first.example/qemu.tar${HASH}`)).toMatchObject(good);
    expect(proxy.requests.map(({ line }) => line)).toEqual([
      'GET http://first.example/qemu.tar',
      'GET http://second.example/qemu.tar',
    ]);
    for (const host of ['bad', 'worse'])
      expect(await pullFrom(at(), `http://${host}.example/qemu.tar${HASH}`)).toMatchObject(
        refused('SOURCE_FAILED', /redirects to this machine/, /does not follow such redirects/),
      );
    expect(own.requests).toEqual([]);
    const web = await start((_, response) => answer(response, 307, { location: 'http://other.example/x' }));
    expect(await fetchUnverified(web)).toMatchObject(
      refused('SOURCE_FAILED', /redirects to plain HTTP/, /does not follow such redirects/),
    );
  });

  it.each([
    ['a file', 'file:///etc/passwd', /redirects to file:/],
    ['an invalid URL', 'http://[', /redirects to an invalid URL/],
    ['itself', '/qemu.tar', /redirects too many times/],
  ])('to %s is rejected', async (_, location, message) => {
    const web = await start((_, response) => answer(response, 307, { location }));
    for (const result of [await fetchIt(web), await fetchUnverified(web)])
      expect(result).toMatchObject(refused('SOURCE_FAILED', message, /does not follow such redirects/));
  });
});

describe('a proxy', () => {
  it('from the environment is used, without sending it data for the server', async () => {
    const proxy = await start((request: IncomingMessage, response) => {
      request.url = new URL(request.url ?? '').pathname;
      serve(request, response, FILES);
      return true;
    });
    vi.stubEnv('http_proxy', proxy.origin.replace('//', '//me:pass@'));
    expect(await pullFrom(at(), `http://files.example/qemu.tar${HASH}`)).toMatchObject(good);
    expect(proxy.requests[0]).toMatchObject({
      line: 'GET http://files.example/qemu.tar',
      headers: { 'proxy-authorization': `Basic ${Buffer.from('me:pass').toString('base64')}` },
    });
    vi.stubEnv('http_proxy', 'socks5://127.0.0.1:1');
    expect(await pullFrom(at(), `http://files.example/qemu.tar${HASH}`)).toMatchObject(
      refused('SOURCE_FAILED', /invalid proxy in HTTP_PROXY/, /HTTP_PROXY/),
    );
  });

  it('that corrupts half of all responses causes no wrong or partial result', async () => {
    const web = await start();
    const proxy = await faultyProxy(web.origin.replace('http://', ''));
    open.push(proxy);
    const results = [];
    for (let count = 0; count < 40; count++)
      results.push(await fetchIt({ ...web, origin: `http://${proxy.host}` }));
    for (const result of results) {
      if ('error' in result) expect(result).toMatchObject({ stored: [], leftovers: [] });
      else expect(result).toMatchObject(good);
    }
    expect(Object.keys(proxy.faults).length).toBeGreaterThan(3);
    expect(results.filter((result) => !('error' in result)).length).toBeGreaterThan(20);
  }, 60_000);
});
