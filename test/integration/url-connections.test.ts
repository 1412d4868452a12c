/** How connections are opened, reused and closed. */
import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type HttpRequest, readBody, request } from '../../src/net/http.ts';
import { LIMITS } from '../../src/net/limits.ts';
import { makeCertificate } from './fixtures/certificate.ts';
import { listen } from './fixtures/registry.ts';
import { temporaryFolder } from './fixtures/temporary.ts';
import { startWeb, type WebOptions } from './fixtures/web.ts';

const at = temporaryFolder();
const open: { close: () => Promise<void> }[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map(({ close }) => close()));
});

const options = (): HttpRequest => ({ limits: LIMITS, signal: new AbortController().signal });
const FILES = { '/file': Buffer.from('content') };

async function web(more: WebOptions = {}) {
  const started = await startWeb(FILES, more);
  open.push(started);
  return { ...started, host: new URL(started.origin).host };
}

/** Lets pending events happen. */
async function nextTurns(): Promise<void> {
  for (let count = 0; count < 20; count++) await nextTurn();
}

async function fetchText(url: string, more: HttpRequest = options()): Promise<string> {
  return Buffer.from(await readBody(await request(new URL(url), more), 1000)).toString();
}

/** A server that passes its connections to `handle`. */
async function raw(handle: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    handle(socket);
  });
  const started = await listen(server as Server);
  open.push(started);
  return started;
}

/** A proxy that connects every host name to `target`, and records the requested hosts. */
async function proxyTo(target: string, tls?: { readonly key: string; readonly cert: string }) {
  const asked: string[] = [];
  const server = tls === undefined ? createHttpServer() : createTlsServer(tls);
  const note = (...words: readonly (string | undefined)[]) => asked.push(words.filter(Boolean).join(' '));
  server.on('request', ({ method, url, headers }, response) => {
    note(method, url, headers.host, headers['proxy-authorization']);
    response.end('content');
  });
  server.on('connect', ({ url, headers }, socket) => {
    note('CONNECT', url, headers['proxy-authorization']);
    const [host = '', port] = target.split(':');
    const onward = connect(Number(port), host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    onward.on('error', () => socket.destroy()).pipe(socket);
    socket.on('error', () => onward.destroy()).pipe(onward);
  });
  const started = await listen(server as Server);
  open.push(started);
  return { ...started, asked };
}

describe('a proxy', () => {
  /** A server and a proxy with TLS and a trusted certificate. */
  async function serveBehind(names: string) {
    const certificate = makeCertificate(at(), names);
    vi.stubEnv('SSL_CERT_FILE', certificate.file);
    return proxyTo((await web({ tls: certificate })).host, certificate);
  }

  it('with TLS is verified by its own name, for servers with and without TLS', async () => {
    const warn = vi.spyOn(process, 'emitWarning');
    const proxy = await serveBehind('DNS:files.example,IP:127.0.0.1,DNS:localhost');
    const port = proxy.host.replace(/.*:/, '');
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
      vi.stubEnv('ALL_PROXY', `https://${host}`);
      expect(await fetchText('https://files.example/file')).toBe('content');
      expect(await fetchText('http://files.example/file?a=b')).toBe('content');
    }
    const asked = ['CONNECT files.example:443', 'GET http://files.example/file?a=b files.example'];
    expect(proxy.asked).toEqual([...asked, ...asked]);
    expect(warn).not.toHaveBeenCalled();
  });

  it.each(['http', 'https'])(
    'with the certificate of another host is named in the error, for %s:',
    async (scheme) => {
      const proxy = await serveBehind('DNS:files.example');
      vi.stubEnv('ALL_PROXY', `https://me:secret@${proxy.host}`);
      await expect(fetchText(`${scheme}://files.example/file`)).rejects.toMatchObject({
        code: 'SOURCE_FAILED',
        message: `cannot fetch ${scheme}://files.example/file: proxy ${proxy.host}: its certificate is for another host`,
        hint: expect.stringContaining('HTTPS_PROXY'),
      });
      expect(proxy.asked).toEqual([]);
    },
  );

  it('accepts a user name without a password', async () => {
    const proxy = await proxyTo('127.0.0.1:1');
    vi.stubEnv('ALL_PROXY', `http://me@${proxy.host}`);
    expect(await fetchText('http://files.example/file')).toBe('content');
    await expect(fetchText('https://files.example/file')).rejects.toThrow('connection closed unexpectedly');
    const login = `Basic ${Buffer.from('me:').toString('base64')}`;
    expect(proxy.asked).toEqual([
      `GET http://files.example/file files.example ${login}`,
      `CONNECT files.example:443 ${login}`,
    ]);
  });

  it('that requires authentication is reported to the caller', async () => {
    const proxy = await web({ intercept: (_, response) => response.writeHead(407).end() && true });
    vi.stubEnv('ALL_PROXY', proxy.origin);
    const { status } = await request(new URL('http://files.example/file'), options());
    expect(status).toBe(407);
  });
});

describe('a connection', () => {
  it('is reused for the next requests of a transfer', async () => {
    let connections = 0;
    const server = createHttpServer((_, response) => response.end('content'));
    server.on('connection', () => connections++);
    const started = await listen(server as Server);
    open.push(started);
    const transfer = options();
    for (let count = 0; count < 3; count++) {
      expect(await fetchText(`http://${started.host}/file`, transfer)).toBe('content');
      await nextTurn();
    }
    expect(connections).toBe(1);
  });

  it.each([
    ['to a server that does not answer', 'https', '', ''],
    ['to a proxy that does not answer', 'https', 'http', ''],
    ['through a proxy to a server that does not answer', 'https', 'http', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['to a server that sends nothing', 'http', '', ''],
  ])('%s ends with the transfer', async (_, scheme, proxyScheme, answer) => {
    const ending = new AbortController();
    let closed: Promise<unknown> = Promise.resolve();
    const server = await raw((socket) => {
      closed = once(socket, 'close');
      let came = 0;
      // The tunnel is open when the handshake begins.
      socket.on('data', () => {
        if (answer !== '' && came++ === 0) socket.write(answer);
        else ending.abort('SIGINT');
      });
    });
    if (proxyScheme !== '') vi.stubEnv('ALL_PROXY', `${proxyScheme}://${server.host}`);
    const url = `${scheme}://${proxyScheme === '' ? server.host : 'files.example'}/file`;
    await expect(fetchText(url, { ...options(), signal: ending.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    await closed;
  });
});

describe('a response', () => {
  const answering = (lines: readonly string[]) =>
    raw((socket) => socket.once('data', () => socket.end(lines.join('\r\n'))));

  it('may repeat a header: the first one is used, and all challenges', async () => {
    const { host } = await answering([
      'HTTP/1.1 401 Unauthorized',
      'WWW-Authenticate: Basic realm="a"',
      'Location: /first',
      'Location: /second',
      'WWW-Authenticate: Bearer realm="b"',
      'Content-Length: 0',
      '',
      '',
    ]);
    const { headers } = await request(new URL(`http://${host}/`), options());
    expect(headers).toMatchObject({
      location: '/first',
      'www-authenticate': 'Basic realm="a", Bearer realm="b"',
    });
  });

  it.each([
    ['a length', (size: number) => [`Content-Length: ${size}`]],
    ['a length, and closes', (size: number) => ['Connection: close', `Content-Length: ${size}`]],
    ['no length, and closes', () => ['Connection: close']],
  ])('with %s may arrive faster than it is read', async (_, lines) => {
    // With these sizes, undici has or has not buffered data when the connection ends.
    for (const size of [10, 65_000, 66_000, 131_072, 300_001]) {
      const { host } = await answering(['HTTP/1.1 200 OK', ...lines(size), '', 'x'.repeat(size)]);
      const { body } = await request(new URL(`http://${host}/`), options());
      let came = 0;
      await nextTurns();
      for await (const chunk of body) {
        came += chunk.length;
        await nextTurns();
      }
      expect(came).toBe(size);
    }
  });

  it('whose connection is reset fails, however fast it is read', async () => {
    for (const wait of [nextTurns, () => {}]) {
      const { host } = await raw((socket) => {
        socket.once('data', () => {
          socket.write(
            `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(100_000)}`,
            () => socket.resetAndDestroy(),
          );
        });
      });
      const read = async (): Promise<void> => {
        const { body } = await request(new URL(`http://${host}/`), options());
        await wait();
        for await (const _ of body) await wait();
      };
      await expect(read()).rejects.toMatchObject({
        message: expect.stringContaining('connection closed unexpectedly'),
      });
    }
  });

  it.each([
    ['of another protocol', ['220 mail.example ESMTP', ''], 'the response is not HTTP'],
    ['with endless headers', ['HTTP/1.1 200 OK', `a: ${'x'.repeat(70_000)}`, '', ''], 'too many headers'],
  ])('%s is reported', async (_, lines, why) => {
    const { host } = await answering(lines);
    await expect(fetchText(`http://${host}/`)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining(why),
      hint: expect.stringContaining('check host and port'),
    });
  });
});
