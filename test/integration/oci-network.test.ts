import { chmod, mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { delimiter } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeCertificate } from './fixtures/certificate.ts';
import { addImage, type Content, type Descriptor, newContent } from './fixtures/image.ts';
import { fakeQemu } from './fixtures/programs.ts';
import { leftovers, pull } from './fixtures/pull.ts';
import { type Registry, type RegistryOptions, startRegistry } from './fixtures/registry.ts';
import { temporaryFolder } from './fixtures/temporary.ts';
import { startWeb, type Web } from './fixtures/web.ts';

const at = temporaryFolder();
const open: (Registry | Web)[] = [];
let content: Content;
let latest: Descriptor;

beforeEach(async () => {
  content = newContent();
  // Incompressible data, so that a layer arrives in several parts.
  const noise = {
    name: 'noise',
    bytes: Buffer.from(Array.from({ length: 60_000 }, () => Math.random() * 256)),
  };
  latest = await addImage(content, [
    { entries: [noise, { name: 'usr/bin/qemu-aarch64', bytes: fakeQemu() }] },
  ]);
  vi.stubEnv('HOME', at('home'));
  vi.stubEnv('XDG_RUNTIME_DIR', '');
  vi.stubEnv('XDG_CONFIG_HOME', '');
  vi.stubEnv('DOCKER_CONFIG', '');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map(({ close }) => close()));
});

async function serve(intercept?: RegistryOptions['intercept']) {
  const registry = await startRegistry(content, { tags: { latest }, ...(intercept ? { intercept } : {}) });
  open.push(registry);
  return registry;
}

/** The same on another machine, `http://registry.example`, reached through a proxy. */
async function serveElsewhere(intercept?: RegistryOptions['intercept']) {
  const registry = await serve((request, response) => {
    request.url = new URL(request.url ?? '').pathname;
    return intercept?.(request, response) ?? false;
  });
  vi.stubEnv('HTTP_PROXY', `http://${registry.host}`);
  return registry;
}

const isLayer = ({ url = '' }: IncomingMessage) => url.includes('/blobs/') && !url.includes(configDigest());
const configDigest = () => [...content.types].find(([, type]) => type.includes('config'))?.[0] ?? '';
const layerDigest = () => [...content.types].find(([, type]) => type.includes('layer'))?.[0] ?? '';
const answer = (response: ServerResponse, status: number, headers = {}, body = '') =>
  response.writeHead(status, headers).end(body) && true;
const good = { found: ['aarch64'], stored: ['qemu-aarch64'] };
const failed = (message: string | RegExp, hint: string | RegExp = '') => ({
  stored: [],
  error: expect.objectContaining({
    code: 'SOURCE_FAILED',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  }),
});

/** Writes the user's Docker configuration. */
async function logIn(config: object): Promise<void> {
  await mkdir(at('home/.docker'), { recursive: true });
  await writeFile(at('home/.docker/config.json'), JSON.stringify(config));
}
const auth = (text: string) => Buffer.from(text).toString('base64');

describe('a failing registry', () => {
  it('is retried after 429 and 5xx, no sooner than Retry-After says', async () => {
    const times: number[] = [];
    const registry = await serve((_, response) => {
      times.push(performance.now());
      if (times.length === 1) return answer(response, 429, { 'retry-after': '1' });
      if (times.length === 3) return answer(response, 503);
      return false;
    });
    const result = await pull(at(), `${registry.host}/test/image`);
    expect(result).toMatchObject(good);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950);
    expect(result.texts.filter((text) => text.includes('retrying'))).toEqual([
      `oci: ${registry.host}: asked to wait 1 s; retrying (2 of 4)`,
      `oci: ${registry.host}: status 503; retrying (2 of 4)`,
    ]);
  });

  it('is given up after a long Retry-After and after too many attempts', async () => {
    const later = await serve((_, response) => answer(response, 429, { 'retry-after': '3600' }));
    expect(await pull(at(), `${later.host}/test/image`)).toMatchObject(failed('rate limited', '60 minutes'));
    const broken = await serve((_, response) => answer(response, 500));
    expect(await pull(at(), `${broken.host}/test/image`)).toMatchObject(
      failed(/returned a server error \(status 500\)/, 'mirror'),
    );
    expect(broken.requests).toHaveLength(4);
  });

  it('is asked to resume a broken download', async () => {
    const ranges: (string | undefined)[] = [];
    const registry = await serve((request, response) => {
      if (!isLayer(request)) return false;
      ranges.push(request.headers.range);
      if (ranges.length > 1) return false;
      const bytes = Buffer.from(content.blobs.get(layerDigest()) ?? '');
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 20_000), () => response.socket?.destroySoon());
      return true;
    });
    const { texts, ...result } = await pull(at(), `${registry.host}/test/image`);
    expect(result).toMatchObject(good);
    expect(ranges).toEqual([undefined, 'bytes=20000-']);
    expect(texts).toContain(`oci: ${registry.host}: connection closed unexpectedly; retrying (2 of 4)`);
  });

  it('sends the whole layer again if it does not support ranges', async () => {
    let count = 0;
    const registry = await serve((request, response) => {
      if (!isLayer(request)) return false;
      count++;
      delete request.headers.range;
      if (count > 1) return false;
      const bytes = Buffer.from(content.blobs.get(layerDigest()) ?? '');
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 20_000), () => response.socket?.destroySoon());
      return true;
    });
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
  });

  it('is asked again for a manifest or a configuration with a wrong digest', async () => {
    const seen = new Set<string>();
    const registry = await serve((request, response) => {
      const { url = '' } = request;
      if (isLayer(request) || seen.has(url)) return false;
      seen.add(url);
      return answer(response, 200, { 'docker-content-digest': latest.digest }, '{"wrong": true}');
    });
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
    expect(seen.size).toBe(2);
  });

  it('is asked again for a layer with a wrong digest', async () => {
    let count = 0;
    const registry = await serve((request, response) => {
      if (!isLayer(request) || ++count > 1) return false;
      response.end(Buffer.from(content.blobs.get(layerDigest()) ?? '').fill(7, 100, 200));
      return true;
    });
    const { texts, ...result } = await pull(at(), `${registry.host}/test/image`);
    expect(result).toMatchObject(good);
    expect(texts).toContain(`oci: digest mismatch for layer ${layerDigest()}; retrying`);
  });

  it('is given up if it stalls before or within a response', async () => {
    const silent = await serve(() => true);
    const limits = { answerMs: 100, attempts: 2 };
    expect(await pull(at(), `${silent.host}/test/image`, { limits })).toMatchObject(failed('timed out'));
    const dripping = await serve((request, response) => {
      if (!isLayer(request)) return false;
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'.repeat(1500)), 20);
      response.on('close', () => clearInterval(timer));
      return true;
    });
    expect(
      await pull(at(), `${dripping.host}/test/image`, { limits: { attempts: 2, stallMs: 100 } }),
    ).toMatchObject(failed('timed out', 'later'));
  });

  it('is abandoned when interrupted', async () => {
    const aborting = new AbortController();
    const silent = await serve(() => {
      aborting.abort();
      return true;
    });
    const { signal } = aborting;
    const { error, stored } = await pull(at(), `${silent.host}/test/image`, { signal });
    expect(error).toMatchObject({ code: 'INTERRUPTED' });
    expect(stored).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });

  it('is named if the host is unknown, nothing listens, or the image does not exist', async () => {
    const registry = await serve();
    const missing = await pull(at(), `${registry.host}/test/image:absent`);
    expect(missing).toMatchObject(failed('no such image', 'name and tag'));
    await registry.close();
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(failed('connection refused'));
    expect(await pull(at(), 'registry.invalid/test/image')).toMatchObject(
      failed(/host not found|DNS is not available/, 'network'),
    );
  });

  it('is refused if a manifest is too large', async () => {
    const registry = await serve((request, response) =>
      request.url?.includes('manifests') ? answer(response, 200, {}, 'x'.repeat(5_000_000)) : false,
    );
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(
      failed('larger than 4194304 bytes', /^check that the server is the right one/),
    );
  });
});

describe('credentials', () => {
  /** Requires a token for everything, which it issues to that user, or to everyone. */
  const tokenRegistry = (user: string | null) => {
    const registry = serve((request, response) => {
      const { authorization = '', host } = request.headers;
      if (request.url?.startsWith('/token')) {
        const known = user === null ? authorization === '' : authorization === `Basic ${auth(user)}`;
        const body = JSON.stringify({ token: 'secret-token' });
        return known ? answer(response, 200, {}, body) : answer(response, 401);
      }
      if (authorization === 'Bearer secret-token') return false;
      const challenge = `Bearer realm="http://${host}/token",service="test",scope="repository:test/image:pull"`;
      return answer(response, 401, { 'www-authenticate': challenge });
    });
    return registry;
  };

  it('are not needed for an anonymous token', async () => {
    const registry = await tokenRegistry(null);
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
    const [token] = registry.requests.filter(({ line }) => line.includes('/token'));
    expect(token?.line).toBe('GET /token?service=test&scope=repository%3Atest%2Fimage%3Apull');
    expect(registry.requests.filter(({ line }) => line.includes('/token'))).toHaveLength(1);
  });

  it("come from Docker's configuration for a token", async () => {
    const registry = await tokenRegistry('me:pa:ss');
    await logIn({ auths: { [registry.host]: { auth: auth('me:pa:ss') } } });
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
  });

  it('that are missing or wrong lead to a hint', async () => {
    const registry = await tokenRegistry('me:pass');
    await logIn({});
    const none = await pull(at(), `${registry.host}/test/image`);
    expect(none).toMatchObject(failed('returned no token', 'docker login'));
    await logIn({ auths: { [registry.host]: { auth: auth('me:wrong') } } });
    const wrong = await pull(at(), `${registry.host}/test/image`);
    expect(wrong).toMatchObject(failed('returned no token', 'credentials are invalid or expired'));
    expect(`${wrong.error?.message}${wrong.error?.hint}`).not.toContain('wrong');
  });

  const basicRegistry = () =>
    serve((request, response) =>
      request.headers.authorization === `Basic ${auth('me:pass')}`
        ? false
        : answer(response, 401, { 'www-authenticate': 'Basic realm="test"' }),
    );

  it('come from a file of the containers tools, without a token', async () => {
    const registry = await basicRegistry();
    const file = at('auth.json');
    await writeFile(
      file,
      JSON.stringify({ auths: { [`${registry.host}/test`]: { auth: auth('me:pass') } } }),
    );
    vi.stubEnv('REGISTRY_AUTH_FILE', file);
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
  });

  it('that do not exist lead to a hint', async () => {
    const registry = await basicRegistry();
    await logIn({});
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(
      failed('denied access', 'log in with'),
    );
  });

  it('come from a credential helper', async () => {
    const registry = await basicRegistry();
    await mkdir(at('bin'), { recursive: true });
    await writeFile(
      at('bin/docker-credential-test'),
      `#!/bin/sh\nread server\ntest "$1 $server" = "get ${registry.host}" || exit 1\necho '{"Username":"me","Secret":"pass"}'\n`,
    );
    await chmod(at('bin/docker-credential-test'), 0o755);
    vi.stubEnv('PATH', `${at('bin')}${delimiter}${process.env['PATH']}`);
    await logIn({ credHelpers: { [registry.host]: 'test' } });
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
    await logIn({ credsStore: 'absent' });
    const { texts, error } = await pull(at(), `${registry.host}/test/image`);
    expect(texts.join()).toContain('docker-credential-absent');
    expect(error).toMatchObject({ code: 'SOURCE_FAILED' });
  });

  it('are exchanged for a token if they are an identity token', async () => {
    let form = '';
    const registry = await serve(async (request, response) => {
      if (request.url?.startsWith('/token')) {
        for await (const chunk of request) form += chunk;
        return answer(response, 200, {}, JSON.stringify({ access_token: 'fresh' }));
      }
      if (request.headers.authorization === 'Bearer fresh') return false;
      const challenge = `Bearer realm="http://${request.headers.host}/token",service="test"`;
      return answer(response, 401, { 'www-authenticate': challenge });
    });
    await logIn({ auths: { [registry.host]: { identitytoken: 'identity' } } });
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
    expect(Object.fromEntries(new URLSearchParams(form))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'identity',
      scope: 'repository:test/image:pull',
    });
  });

  it('are not sent to another origin after a redirect', async () => {
    const other = await serve();
    const registry = await serve((request, response) => {
      const { authorization } = request.headers;
      if (authorization !== `Basic ${auth('me:pass')}`)
        return answer(response, 401, { 'www-authenticate': 'Basic realm="test"' });
      return request.url?.includes('/blobs/')
        ? answer(response, 307, { location: `http://${other.host}${request.url}` })
        : false;
    });
    await logIn({ auths: { [registry.host]: { auth: auth('me:pass') } } });
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
    expect(other.requests.length).toBeGreaterThan(0);
    expect(other.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });

  it('are not sent to another origin that requires authentication', async () => {
    const other = await serve((_, response) =>
      answer(response, 401, { 'www-authenticate': 'Basic realm="give me"' }),
    );
    const registry = await serve((request, response) =>
      isLayer(request) ? answer(response, 302, { location: `http://${other.host}/` }) : false,
    );
    const login = { auth: auth('me:pass') };
    await logIn({ auths: { [registry.host]: login, [other.host]: login } });
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(
      failed(`redirects to ${other.host}, which requires authentication`, 'never sent to another origin'),
    );
    expect(other.requests.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
  });

  it.each([
    ['another origin', 'http://localhost:1/token', 'redirects to another origin'],
    ['an invalid URL', 'http://[', 'redirects to an invalid URL'],
  ])('are not forwarded if the token server redirects to %s', async (_, location, why) => {
    const registry = await serve((request, response) => {
      if (request.url?.startsWith('/token')) return answer(response, 302, { location });
      const challenge = `Bearer realm="http://${request.headers.host}/token"`;
      return answer(response, 401, { 'www-authenticate': challenge });
    });
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(failed(why, 'credentials'));
  });

  it.each(['http://registry.example/token', 'ftp://localhost/token', 'nonsense'])(
    'are not sent to %s as a token server',
    async (realm) => {
      const registry = await serve((_, response) =>
        answer(response, 401, { 'www-authenticate': `Bearer realm="${realm}"` }),
      );
      expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(
        failed('token from an unsafe address'),
      );
    },
  );

  it.each([
    ['password', { auth: auth('me:pass') }],
    ['identity token', { identitytoken: 'secret' }],
    ['token of a registry', { registrytoken: 'secret' }],
  ])('with a %s are never sent in response to plain HTTP, which can be forged', async (_, login) => {
    const certificate = makeCertificate(at());
    vi.stubEnv('SSL_CERT_FILE', certificate.file);
    const tokens = await startWeb({ '/token': Buffer.from('{"token":"t"}') }, { tls: certificate });
    open.push(tokens);
    const bearer = `Bearer realm="${tokens.origin}/token"`;
    for (const challenge of [bearer, 'Basic realm="test"']) {
      const registry = await serveElsewhere((_, response) =>
        answer(response, 401, { 'www-authenticate': challenge }),
      );
      await logIn({ auths: { 'registry.example': login } });
      expect(await pull(at(), 'http://registry.example/test/image')).toMatchObject(
        failed('requires authentication over plain HTTP', 'log out'),
      );
      expect(registry.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    }
    // A remote registry cannot make us send requests to a server on this machine.
    await logIn({});
    await serveElsewhere((_, response) => answer(response, 401, { 'www-authenticate': bearer }));
    expect(await pull(at(), 'http://registry.example/test/image')).toMatchObject(
      failed('token from an unsafe address'),
    );
    expect(tokens.requests).toEqual([]);
  });

  it('are exchanged again when the token expires', async () => {
    let tokens = 0;
    const registry = await serve((request, response) => {
      if (request.url?.startsWith('/token'))
        return answer(response, 200, {}, JSON.stringify({ token: `t${++tokens}` }));
      const wanted = request.url?.includes('/blobs/') ? 't2' : 't1';
      if (request.headers.authorization === `Bearer ${wanted}`) return false;
      const challenge = `Bearer realm="http://${request.headers.host}/token"`;
      return answer(response, 401, { 'www-authenticate': challenge });
    });
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
  });
});

describe('plain HTTP to another machine', () => {
  it('causes a warning with the digest to pin, unless the reference has one', async () => {
    await serveElsewhere();
    const image = 'http://registry.example/test/image';
    expect(await pull(at(), `${image}:latest`)).toMatchObject({
      ...good,
      warnings: [
        `oci: ${image}:latest was fetched over plain HTTP, without protection against changes: pin it to this version with @${latest.digest}`,
      ],
    });
    expect(await pull(at(), `${image}@${latest.digest}`)).toMatchObject({ ...good, warnings: [] });
    const registry = await serve();
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject({ ...good, warnings: [] });
  });

  it('causes a warning if a mirror served the image over it, but not if the mirror had no image', async () => {
    await serveElsewhere();
    const registry = await serve();
    const image = `${registry.host}/test/image`;
    vi.stubEnv('BINFMTCTL_REGISTRY_MIRRORS', `${registry.host}=http://registry.example`);
    const { warnings } = await pull(at(), image);
    expect(warnings).toEqual([expect.stringContaining(`${image}:latest was fetched over plain HTTP`)]);
    await serveElsewhere((_, response) => answer(response, 404));
    expect(await pull(at(), image)).toMatchObject({ ...good, warnings: [] });
  });
});

describe('a redirect', () => {
  it('is followed at most five times', async () => {
    const registry = await serve((request, response) =>
      answer(response, 302, { location: `${request.url}` }),
    );
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(failed('redirects too many times'));
    expect(registry.requests).toHaveLength(6);
  });

  it('to plain HTTP on another machine is refused', async () => {
    const registry = await serve((_, response) =>
      answer(response, 302, { location: 'http://registry.example/' }),
    );
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(failed('redirects to plain HTTP'));
  });
});

describe('a mirror', () => {
  it('is asked first, then the registry', async () => {
    const registry = await serve();
    const mirror = await serve();
    vi.stubEnv('BINFMTCTL_REGISTRY_MIRRORS', `${registry.host}=${mirror.host}/copy`);
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
    expect(registry.requests).toEqual([]);
    expect(mirror.requests[0]?.line).toBe('GET /v2/copy/test/image/manifests/latest');
    const empty = await serve((_, response) => answer(response, 404));
    vi.stubEnv('BINFMTCTL_REGISTRY_MIRRORS', `${registry.host}=${empty.host}`);
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
    expect(registry.requests.length).toBeGreaterThan(0);
  });

  it('that sends wrong bytes is skipped', async () => {
    const registry = await serve();
    const other = await serve((_, response) => answer(response, 200, {}, '{}'));
    vi.stubEnv('BINFMTCTL_REGISTRY_MIRRORS', `${registry.host}=${other.host}`);
    expect(await pull(at(), `${registry.host}/test/image@${latest.digest}`)).toMatchObject(good);
    const liar = await serve((request, response) =>
      isLayer(request)
        ? answer(response, 200, {}, 'x'.repeat(content.blobs.get(layerDigest())?.length ?? 0))
        : false,
    );
    vi.stubEnv('BINFMTCTL_REGISTRY_MIRRORS', `${registry.host}=${liar.host}`);
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(good);
  });
});
