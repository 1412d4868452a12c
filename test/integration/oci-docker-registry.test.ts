import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type DockerRegistry,
  HTPASSWD,
  skopeoCopy,
  startDockerRegistry,
} from '../../scripts/docker-registry.mjs';
import { unpackPackages } from '../../scripts/packages.mjs';
import { DEFAULT_IMAGE } from '../../src/sources/oci.ts';
import { amount } from '../stress.ts';
import { faultyProxy } from './fixtures/faulty-proxy.ts';
import { addImage, addIndex, ELSEWHERE, newContent, writeLayout } from './fixtures/image.ts';
import { leftovers, pull } from './fixtures/pull.ts';
import { startRegistry } from './fixtures/registry.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

/** Number of pulls through a faulty proxy, and of concurrent pulls. */
const PULLS = amount(30, 200);
const LANES = 4;

const at = temporaryFolder();
let registry: DockerRegistry;
let aarch64: Buffer;
let arm: Buffer;

beforeAll(async () => {
  const [root = ''] = unpackPackages('qemu-user-static');
  [aarch64, arm] = (await Promise.all(
    ['aarch64', 'arm'].map((name) => readFile(join(root, `usr/bin/qemu-${name}-static`))),
  )) as [Buffer, Buffer];
  const content = newContent();
  const layers = [
    {
      entries: [
        { name: 'usr/bin/qemu-arm', bytes: arm },
        { name: 'usr/bin/qemu-aarch64', bytes: 'old' },
      ],
    },
    { entries: [{ name: 'usr/bin/.wh.qemu-aarch64' }] },
    {
      entries: [
        { name: 'usr/bin/qemu-aarch64', bytes: aarch64 },
        { name: 'usr/bin/binfmt', bytes: 'x' },
      ],
    },
  ];
  const own = await addImage(content, layers);
  const other = await addImage(content, [{ entries: [] }], { platform: ELSEWHERE });
  const index = addIndex(content, [other, own]);
  await writeLayout(at('layout'), content, [index]);
  registry = await startDockerRegistry(at('registry'));
  await registry.copy(`oci:${at('layout')}`, 'test/binfmt:oci', '--all');
  await registry.copy(`oci:${at('layout')}`, 'test/binfmt:v2', '--format', 'v2s2');
  await registry.copy(
    `oci:${at('layout')}`,
    'test/binfmt:zstd',
    '--dest-compress-format',
    'zstd',
    '--format',
    'oci',
  );
});
afterAll(() => registry.close());

describe("Debian's docker-registry", () => {
  it.each(['oci', 'v2', 'zstd'])('serves the emulators of an image that skopeo pushed: %s', async (tag) => {
    const result = await pull(at(), `${registry.host}/test/binfmt:${tag}`, { guests: ['aarch64', 'arm'] });
    expect(result.error).toBeUndefined();
    expect(result.found).toEqual(['aarch64', 'arm']);
    expect(result.bytes?.[0]?.equals(aarch64)).toBe(true);
    expect(result.bytes?.[1]?.equals(arm)).toBe(true);
  });

  it.each(['docker-archive', 'oci-archive', 'oci'])(
    'is not needed for an image that skopeo copied to %s',
    async (kind) => {
      const path = at(`copied-${kind}`);
      const name = kind === 'docker-archive' ? ':test/binfmt:latest' : '';
      await skopeoCopy(
        `docker://${registry.host}/test/binfmt:oci`,
        `${kind}:${path}${name}`,
        '--src-tls-verify=false',
      );
      const { bytes, error } = await pull(at(), path, { guests: ['aarch64', 'arm'] });
      expect(error).toBeUndefined();
      expect(bytes?.map((each, index) => each.equals([aarch64, arm][index] as Buffer))).toEqual([true, true]);
    },
  );

  it('serves users with credentials', async () => {
    const closed = await startDockerRegistry(at('closed'), HTPASSWD);
    try {
      await closed.copy(`oci:${at('layout')}`, 'test/binfmt', '--all', '--dest-creds', 'me:pass');
      vi.stubEnv('REGISTRY_AUTH_FILE', at('auth.json'));
      const logIn = (text: string) =>
        writeFile(
          at('auth.json'),
          JSON.stringify({ auths: { [closed.host]: { auth: Buffer.from(text).toString('base64') } } }),
        );
      await logIn('me:wrong');
      const refused = await pull(at(), `${closed.host}/test/binfmt`);
      expect(refused).toMatchObject({ stored: [], error: { code: 'SOURCE_FAILED' } });
      await logIn('me:pass');
      expect((await pull(at(), `${closed.host}/test/binfmt`)).found).toEqual(['aarch64']);
    } finally {
      vi.unstubAllEnvs();
      await closed.close();
    }
  });

  it(`serves the right bytes or none through a faulty proxy, ${PULLS} times`, async () => {
    const proxy = await faultyProxy(registry.host);
    const limits = { stallMs: 150, answerMs: 1000 };
    const ends = { good: 0, failed: 0 };
    try {
      const pullEach = async (lane: number): Promise<void> => {
        for (let count = lane; count < PULLS; count += LANES) await pullOnce(count);
      };
      const pullOnce = async (count: number): Promise<void> => {
        const reference = `${proxy.host}/test/binfmt:${['oci', 'v2', 'zstd'][count % 3]}`;
        const { error, stored, bytes } = await pull(at(), reference, { limits });
        if (error === undefined) {
          expect(bytes?.[0]?.equals(aarch64)).toBe(true);
          ends.good++;
        } else {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(SOURCE_FAILED|BAD_PACKAGE)$/) });
          expect(error.hint).toBeTruthy();
          expect(stored).toEqual([]);
          ends.failed++;
        }
      };
      await Promise.all(Array.from({ length: LANES }, (_, lane) => pullEach(lane)));
      expect(await leftovers()).toEqual([]);
      console.log(`${PULLS} pulls:`, ends, proxy.faults);
      expect(ends.good).toBeGreaterThan(0);
      expect(Object.values(proxy.faults).reduce((sum, each) => sum + each, 0)).toBeGreaterThan(PULLS / 2);
    } finally {
      await proxy.close();
    }
  }, 900_000);
});

describe('the default image', () => {
  it('is pulled by digest, also from a mirror', async () => {
    const mirror = await startRegistry(newContent());
    vi.stubEnv('BINFMTCTL_REGISTRY_MIRRORS', `docker.io=${mirror.host}`);
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1');
    try {
      const { error } = await pull(at(), '', { limits: { attempts: 1 } });
      expect(error).toMatchObject({
        code: 'SOURCE_FAILED',
        message: expect.stringContaining('registry-1.docker.io'),
      });
      const digest = DEFAULT_IMAGE.slice(DEFAULT_IMAGE.indexOf('@') + 1);
      expect(mirror.requests[0]?.line).toBe(`GET /v2/tonistiigi/binfmt/manifests/${digest}`);
    } finally {
      vi.unstubAllEnvs();
      await mirror.close();
    }
  });
});
