import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { TarEntry } from './fixtures/deb.ts';
import {
  addImage,
  addIndex,
  addJson,
  type Content,
  type Descriptor,
  DOCKER,
  ELSEWHERE,
  HERE,
  type LayerSpec,
  newContent,
  OCI,
} from './fixtures/image.ts';
import { fakeQemu } from './fixtures/programs.ts';
import { type PullSettings, pull } from './fixtures/pull.ts';
import { type Registry, type RegistryOptions, startRegistry } from './fixtures/registry.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
const open: Registry[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ close }) => close()));
});

const program = (name = 'usr/bin/qemu-aarch64', version = '9.9.9'): TarEntry => ({
  name,
  bytes: fakeQemu(version),
});

async function serve(content: Content, latest: Descriptor, options: RegistryOptions = {}) {
  const registry = await startRegistry(content, { tags: { latest }, ...options });
  open.push(registry);
  return registry;
}

/** Serves an image for this machine and pulls it by its tag. */
async function pullLayers(layers: readonly LayerSpec[], settings: PullSettings = {}) {
  const content = newContent();
  const registry = await serve(content, await addImage(content, layers));
  return pull(at(), `${registry.host}/test/image`, settings);
}

const refused = (code: string, message: string, hint = '') => ({
  stored: [],
  error: expect.objectContaining({
    code,
    message: expect.stringContaining(message),
    hint: expect.stringContaining(hint),
  }),
});

describe('an image in a registry', () => {
  it.each(['gzip', 'zstd', 'none'] as const)(
    'provides its emulators from layers compressed with %s',
    async (packing) => {
      const entries = [program(), program('usr/bin/qemu-arm-static'), { name: 'etc/passwd', bytes: 'root' }];
      const result = await pullLayers([{ entries, packing }], { guests: ['aarch64', 'arm', 'riscv64'] });
      expect(result.error).toBeUndefined();
      expect(result).toMatchObject({ found: ['aarch64', 'arm'], stored: ['qemu-aarch64', 'qemu-arm'] });
      expect(result.bytes?.[0]).toEqual(Buffer.from(fakeQemu()));
    },
  );

  it.each([
    ['OCI', OCI],
    ['Docker', DOCKER],
  ])('is selected for this machine from an index (%s)', async (_, types) => {
    const content = newContent();
    const other = await addImage(content, [{ entries: [program(undefined, '1.0.0')] }], {
      platform: ELSEWHERE,
      types,
    });
    const own = await addImage(content, [{ entries: [program(undefined, '2.0.0')] }], { types });
    const registry = await serve(content, addIndex(content, [other, own], types));
    const result = await pull(at(), `${registry.host}/test/image`);
    expect(result.bytes).toEqual([Buffer.from(fakeQemu('2.0.0'))]);
    expect(result.from).toEqual([`/usr/bin/qemu-aarch64 of ${registry.host}/test/image:latest`]);
  });

  it('is locked by the digest behind its tag', async () => {
    const content = newContent();
    const index = addIndex(content, [await addImage(content, [{ entries: [program()] }])]);
    const registry = await serve(content, index);
    const name = `${registry.host}/test/image`;
    const pinned = `${name}:latest@${index.digest}`;
    expect((await pull(at(), name)).sources).toEqual([`oci:${pinned}`]);
    expect((await pull(at(), pinned)).sources).toEqual([undefined]);
  });

  it('is named in each error about its contents', async () => {
    const { error } = await pullLayers([{ entries: [{ name: 'usr/bin/qemu-aarch64', type: 'directory' }] }]);
    expect(error?.message).toMatch(
      /^127\.0\.0\.1:\d+\/test\/image:latest: \/usr\/bin\/qemu-aarch64 is a directory/,
    );
  });

  it('is not pulled if a local file has that name', async () => {
    const before = process.cwd();
    process.chdir(at());
    try {
      await mkdir(at('images/layout'), { recursive: true });
      await writeFile(at('image.tar'), '');
      for (const value of ['image.tar', `image.tar@sha256:${'0'.repeat(64)}`, 'images/layout'])
        expect(await pull(at(), value)).toMatchObject(
          refused('BAD_SOURCE', 'exists in the current directory', `oci:./${value}`),
        );
    } finally {
      process.chdir(before);
    }
  });

  it('is pulled by digest even if a tag is given too', async () => {
    const content = newContent();
    const pinned = await addImage(content, [{ entries: [program(undefined, '1.0.0')] }]);
    const latest = await addImage(content, [{ entries: [program(undefined, '2.0.0')] }]);
    const registry = await serve(content, latest);
    const result = await pull(at(), `${registry.host}/test/image:latest@${pinned.digest}`);
    expect(result.bytes).toEqual([Buffer.from(fakeQemu('1.0.0'))]);
  });

  it('reports the digest behind its tag', async () => {
    const content = newContent();
    const latest = await addImage(content, [{ entries: [program()] }]);
    const registry = await serve(content, latest);
    const { texts } = await pull(at(), `${registry.host}/test/image`);
    expect(texts).toContain(`oci: ${registry.host}/test/image:latest resolved to ${latest.digest}`);
  });

  it('is read only down to the layer that has the emulator', async () => {
    const content = newContent();
    const base = { entries: [{ name: 'usr/lib/large', bytes: Buffer.alloc(100_000, 1) }] };
    const latest = await addImage(content, [base, { entries: [program()] }]);
    const registry = await serve(content, latest);
    await pull(at(), `${registry.host}/test/image`);
    expect(registry.requests.filter(({ line }) => line.includes('/blobs/'))).toHaveLength(2);
  });

  it('skips emulators that it does not contain', async () => {
    expect(await pullLayers([{ entries: [{ name: 'etc/passwd', bytes: '' }] }])).toMatchObject({
      found: [],
      stored: [],
    });
  });

  it('provides files and link targets across layers', async () => {
    const both = [{ entries: [program(undefined, '1.0.0')] }, { entries: [program(undefined, '2.0.0')] }];
    expect((await pullLayers(both)).bytes).toEqual([Buffer.from(fakeQemu('2.0.0'))]);
    const link: TarEntry = { name: 'usr/bin/qemu-aarch64', type: 'symlink', linkname: '../lib/real' };
    const linked = [{ entries: [link] }, { entries: [program('usr/lib/real', '3.0.0')] }];
    expect((await pullLayers(linked)).bytes).toEqual([Buffer.from(fakeQemu('3.0.0'))]);
    expect((await pullLayers(linked.toReversed())).bytes).toEqual([Buffer.from(fakeQemu('3.0.0'))]);
  });

  it.each([
    ['a whiteout', 'usr/bin/.wh.qemu-aarch64'],
    ['an opaque directory', 'usr/bin/.wh..wh..opq'],
    ['a whiteout of a parent directory', '.wh.usr'],
  ])('does not contain files that %s in an upper layer removes', async (_, name) => {
    const result = await pullLayers([{ entries: [program()] }, { entries: [{ name }] }]);
    expect(result).toMatchObject({ found: [], stored: [] });
  });

  it('keeps files next to an opaque whiteout in the same layer', async () => {
    const entries = [{ name: 'usr/bin/.wh..wh..opq' }, program(undefined, '2.0.0')];
    const result = await pullLayers([{ entries: [program(undefined, '1.0.0')] }, { entries }]);
    expect(result.bytes).toEqual([Buffer.from(fakeQemu('2.0.0'))]);
  });
});

describe('an invalid image in a registry', () => {
  it('is refused if the digest of its manifest or of a layer is wrong', async () => {
    const content = newContent();
    const latest = await addImage(content, [{ entries: [program()] }]);
    const layer = [...content.types].find(([, type]) => type.includes('tar'))?.[0] ?? '';
    const registry = await serve(content, latest);
    content.blobs.set(latest.digest, Buffer.from(`${content.blobs.get(latest.digest)} `));
    const pinned = await pull(at(), `${registry.host}/test/image@${latest.digest}`);
    expect(pinned).toMatchObject(refused('BAD_PACKAGE', `not ${latest.digest}`, 'do not trust'));
    const bytes = Buffer.from(content.blobs.get(layer) ?? '');
    content.blobs.set(layer, bytes.fill(1, bytes.length - 4));
    const unpinned = await pull(at(), `${registry.host}/test/image`);
    expect(unpinned).toMatchObject(refused('BAD_PACKAGE', `not ${layer}`, 'do not trust'));
  });

  it('is refused if a layer is shorter or longer than its descriptor says', async () => {
    const content = newContent();
    const latest = await addImage(content, [{ entries: [program()] }]);
    const layer = [...content.types].find(([, type]) => type.includes('tar'))?.[0] ?? '';
    const registry = await serve(content, latest);
    const whole = Buffer.from(content.blobs.get(layer) ?? '');
    content.blobs.set(layer, whole.subarray(0, 100));
    const short = await pull(at(), `${registry.host}/test/image`);
    expect(short).toMatchObject(refused('SOURCE_FAILED', `received 100 of ${whole.length} bytes`));
    content.blobs.set(layer, Buffer.concat([whole, whole]));
    const long = await pull(at(), `${registry.host}/test/image`);
    expect(long).toMatchObject(refused('BAD_PACKAGE', `larger than ${whole.length} bytes`));
  });

  it('is refused if a media type is unsupported or wrong', async () => {
    const chart = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
    expect(await pullLayers([{ entries: [program()], mediaType: chart }])).toMatchObject(
      refused('BAD_PACKAGE', chart, 'charts'),
    );
    const mislabelled = { entries: [program()], packing: 'zstd' as const, mediaType: `${OCI.layer}+gzip` };
    expect(await pullLayers([mislabelled])).toMatchObject(
      refused('BAD_PACKAGE', 'is declared as gzip, but is zstd'),
    );
    const content = newContent();
    const latest = await addImage(content, [{ entries: [program()] }]);
    const registry = await serve(content, latest, { types: { latest: 'text/html; charset=utf-8' } });
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(
      refused('BAD_PACKAGE', '"text/html"'),
    );
  });

  it('is refused if its index or its configuration is for other platforms', async () => {
    const content = newContent();
    const other = await addImage(content, [{ entries: [program()] }], { platform: ELSEWHERE });
    const direct = await serve(content, other);
    const indexed = await serve(content, addIndex(content, [other]));
    const wrong = refused('SOURCE_FAILED', `has no image for linux/${HERE.architecture}`, 'linux/s390x');
    expect(await pull(at(), `${direct.host}/test/image`)).toMatchObject(wrong);
    expect(await pull(at(), `${indexed.host}/test/image`)).toMatchObject(wrong);
  });

  it('is refused if indexes are nested too deeply', async () => {
    const content = newContent();
    let index = addIndex(content, [await addImage(content, [])]);
    for (let depth = 0; depth < 5; depth++) index = addIndex(content, [index]);
    const registry = await serve(content, index);
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(
      refused('BAD_PACKAGE', 'nested too deeply'),
    );
  });

  it('is refused if a document is both an index and a manifest', async () => {
    const content = newContent();
    const image = await addImage(content, [{ entries: [program()] }]);
    const both = JSON.parse(new TextDecoder().decode(content.blobs.get(image.digest)));
    const mixed = addJson(content, { ...both, manifests: [image] }, OCI.manifest);
    const registry = await serve(content, mixed);
    expect(await pull(at(), `${registry.host}/test/image`)).toMatchObject(
      refused('BAD_PACKAGE', 'must be either'),
    );
  });

  it.each([
    ['a name that leads out of it', { name: '../etc/passwd', bytes: 'x' }, '"../etc/passwd"'],
    ['an absolute name', { name: '/usr/bin/x', bytes: 'x' }, '"/usr/bin/x"'],
    [
      'a link out of it',
      { name: 'usr/bin/qemu-aarch64', type: 'symlink' as const, linkname: '../../../etc/shadow' },
      'points to',
    ],
    [
      'a device in place of an emulator',
      { name: 'usr/bin/qemu-aarch64', type: 'fifo' as const },
      'is a fifo',
    ],
    [
      'a directory in its place',
      { name: 'usr/bin/qemu-aarch64', type: 'directory' as const },
      'is a directory',
    ],
  ])('is refused for %s', async (_, hostile, why) => {
    const entries = [program('usr/bin/qemu-arm'), hostile];
    expect(await pullLayers([{ entries }], { guests: ['arm', 'aarch64'] })).toMatchObject(
      refused('BAD_PACKAGE', why),
    );
  });

  it('may contain devices outside of the emulator paths', async () => {
    const entries = [{ name: 'dev/null', type: 'character-device' as const }, program()];
    expect((await pullLayers([{ entries }])).found).toEqual(['aarch64']);
  });

  it('is refused if a layer is not an archive or is truncated', async () => {
    const noise = Buffer.from('not a tar archive '.repeat(100));
    expect(await pullLayers([{ raw: noise }])).toMatchObject(
      refused('BAD_PACKAGE', 'not a valid tar archive'),
    );
  });
});
