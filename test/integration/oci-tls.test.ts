import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Certificate, makeCertificate } from './fixtures/certificate.ts';
import { addImage, type Content, type Descriptor, newContent } from './fixtures/image.ts';
import { fakeQemu } from './fixtures/programs.ts';
import { pull } from './fixtures/pull.ts';
import { listen, type RegistryOptions, startRegistry } from './fixtures/registry.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
const open: { close: () => Promise<void> }[] = [];
let content: Content;
let latest: Descriptor;

beforeEach(async () => {
  content = newContent();
  latest = await addImage(content, [{ entries: [{ name: 'usr/bin/qemu-aarch64', bytes: fakeQemu() }] }]);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map(({ close }) => close()));
});

/** A registry with TLS and a trusted certificate. */
async function serve(tls: Certificate, intercept?: RegistryOptions['intercept']) {
  vi.stubEnv('SSL_CERT_FILE', tls.file);
  const registry = await startRegistry(content, {
    tags: { latest },
    tls,
    ...(intercept ? { intercept } : {}),
  });
  open.push(registry);
  return registry;
}

/** A proxy that connects every host name to `to` and records the requests. */
async function proxyTo(target: string, wanted = '') {
  const asked: string[] = [];
  const server: Server = createServer(async (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    const answer = await fetch(`http://${target}${new URL(request.url ?? '').pathname}`);
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    if (wanted !== '' && request.headers['proxy-authorization'] !== wanted)
      return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const [host = '', port] = target.split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  const proxy = await listen(server);
  open.push(proxy);
  return { ...proxy, asked };
}

const good = { found: ['aarch64'], stored: ['qemu-aarch64'] };
const failed = (message: string, hint = '') => ({
  stored: [],
  error: expect.objectContaining({
    code: 'SOURCE_FAILED',
    message: expect.stringContaining(message),
    hint: expect.stringContaining(hint),
  }),
});

describe('a registry with TLS', () => {
  it('serves the image if its certificate is trusted', async () => {
    const registry = await serve(makeCertificate(at()));
    expect(await pull(at(), `https://${registry.host}/test/image`)).toMatchObject(good);
  });

  it('is refused if no trusted CA signed its certificate', async () => {
    const registry = await serve(makeCertificate(at()));
    vi.stubEnv('SSL_CERT_FILE', '');
    expect(await pull(at(), `https://${registry.host}/test/image`)).toMatchObject(
      failed('not signed by a trusted CA', 'SSL_CERT_FILE'),
    );
  });

  it('is refused if its certificate has expired', async () => {
    const registry = await serve(makeCertificate(at(), undefined, -1));
    expect(await pull(at(), `https://${registry.host}/test/image`)).toMatchObject(
      failed('certificate has expired', 'clock'),
    );
    expect(registry.requests).toEqual([]);
  });

  it('is refused if its certificate is for another host', async () => {
    const registry = await serve(makeCertificate(at(), 'DNS:other.example'));
    expect(await pull(at(), `https://${registry.host}/test/image`)).toMatchObject(failed('for another host'));
  });

  it('cannot redirect to plain HTTP, even on this machine', async () => {
    const plain = await startRegistry(content, { tags: { latest } });
    open.push(plain);
    const registry = await serve(makeCertificate(at()), (request, response) => {
      response.writeHead(307, { location: `http://${plain.host}${request.url}` }).end();
      return true;
    });
    expect(await pull(at(), `https://${registry.host}/test/image`)).toMatchObject(
      failed(`redirects to plain HTTP, http://${plain.host}`),
    );
    expect(plain.requests).toEqual([]);
  });

  it.each(['127.0.0.1', 'localhost', 'localhost.', '[::1]', '0.0.0.0'])(
    'on another machine cannot redirect to %s on this one',
    async (host) => {
      const certificate = makeCertificate(at(), 'DNS:registry.example,DNS:localhost,IP:127.0.0.1');
      const own = await serve(certificate);
      const port = own.host.replace(/.*:/, '');
      const registry = await serve(certificate, (request, response) => {
        response.writeHead(307, { location: `https://${host}:${port}${request.url}` }).end();
        return true;
      });
      const proxy = await proxyTo(registry.host);
      vi.stubEnv('HTTPS_PROXY', `http://${proxy.host}`);
      expect(await pull(at(), 'registry.example/test/image')).toMatchObject(
        failed(`redirects to this machine, https://${host}:${port}`),
      );
      expect(own.requests).toEqual([]);
    },
  );

  it('is refused if it speaks plain HTTP', async () => {
    const plain = await startRegistry(content, { tags: { latest } });
    open.push(plain);
    expect(await pull(at(), `https://${plain.host}/test/image`)).toMatchObject(
      failed('the server does not support TLS', 'http://HOST'),
    );
  });
});

describe('a proxy from the environment', () => {
  it("tunnels to a registry with TLS, with the proxy's credentials", async () => {
    const registry = await serve(makeCertificate(at(), 'DNS:registry.example'));
    const login = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    const proxy = await proxyTo(registry.host, login);
    vi.stubEnv('HTTPS_PROXY', `http://me:p%40ss@${proxy.host}`);
    expect(await pull(at(), 'registry.example/test/image')).toMatchObject(good);
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT registry.example:443 ${login}`]));
    expect(registry.requests.every(({ headers }) => headers['proxy-authorization'] === undefined)).toBe(true);
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.host}`);
    expect(await pull(at(), 'registry.example/test/image')).toMatchObject(
      failed(`: proxy ${proxy.host}: status 407`, 'HTTPS_PROXY'),
    );
  });

  it("is refused if the registry's certificate is for another host", async () => {
    const registry = await serve(makeCertificate(at(), 'DNS:other.example'));
    const proxy = await proxyTo(registry.host);
    vi.stubEnv('HTTPS_PROXY', `http://${proxy.host}`);
    expect(await pull(at(), 'registry.example/test/image')).toMatchObject(failed('for another host'));
  });

  it('receives the full URL of a registry without TLS', async () => {
    const registry = await startRegistry(content, { tags: { latest } });
    open.push(registry);
    const proxy = await proxyTo(registry.host);
    vi.stubEnv('HTTP_PROXY', proxy.host);
    expect(await pull(at(), 'http://registry.example/test/image')).toMatchObject(good);
    expect(proxy.asked[0]).toBe('GET http://registry.example/v2/test/image/manifests/latest');
  });

  it('is not used for this machine, or for hosts in NO_PROXY', async () => {
    const registry = await startRegistry(content, { tags: { latest } });
    open.push(registry);
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1');
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
    vi.stubEnv('NO_PROXY', '.invalid');
    expect(await pull(at(), 'http://registry.invalid/test/image')).toMatchObject(failed('registry.invalid'));
  });

  it('is named if it does not answer or closes the connection', async () => {
    const certificate = makeCertificate(at());
    vi.stubEnv('SSL_CERT_FILE', certificate.file);
    const limits = { attempts: 2, answerMs: 100 };
    const silent = createServer().on('connect', () => {});
    const rude = createServer().on('connect', (_, socket) => socket.destroy());
    for (const [server, why] of [
      [silent, 'timed out (no response for 0.1 s)'],
      [rude, 'connection closed unexpectedly'],
    ] as const) {
      const proxy = await listen(server);
      open.push(proxy);
      vi.stubEnv('HTTPS_PROXY', `http://${proxy.host}`);
      expect(await pull(at(), 'registry.example/test/image', { limits })).toMatchObject(
        failed(`: proxy ${proxy.host}: ${why}`, 'HTTPS_PROXY'),
      );
    }
  });

  it('is named if it fails or is of an unsupported kind', async () => {
    vi.stubEnv('HTTPS_PROXY', 'socks5://localhost:1');
    expect(await pull(at(), 'registry.example/test/image')).toMatchObject(
      failed('HTTPS_PROXY', 'http://HOST:PORT'),
    );
    for (const name of ['HTTPS_PROXY', 'HTTP_PROXY']) {
      const scheme = name.replace('_PROXY', '').toLowerCase();
      vi.stubEnv(name, 'http://me:secret@127.0.0.1:1');
      const { error, texts } = await pull(at(), `${scheme}://registry.example/test/image`);
      expect({ stored: [], error }).toEqual(failed(': proxy 127.0.0.1:1: connection refused', name));
      expect(`${error?.message}${error?.hint}${texts.join()}`).not.toContain('secret');
      for (const host of ['proxy.invalid:1', 'localhost:1']) {
        vi.stubEnv(name, `http://${host}`);
        const limits = { attempts: 1 };
        expect(await pull(at(), `${scheme}://registry.example/test/image`, { limits })).toMatchObject(
          failed(`: proxy ${host}: `, name),
        );
      }
    }
  });
});
