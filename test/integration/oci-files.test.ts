import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeManifest } from '../../src/file-format/bundle.ts';
import { type TarEntry, tar } from './fixtures/deb.ts';
import {
  addImage,
  addIndex,
  type Content,
  type Descriptor,
  digestOf,
  ELSEWHERE,
  HERE,
  layoutFiles,
  newContent,
  type Packing,
  pack,
  writeLayout,
} from './fixtures/image.ts';
import { fakeQemu } from './fixtures/programs.ts';
import { leftovers, pull } from './fixtures/pull.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
let count = 0;
const fresh = async (): Promise<string> => {
  const folder = at(`${++count}`);
  await mkdir(folder);
  return folder;
};

const program = (version = '9.9.9'): TarEntry => ({ name: 'usr/bin/qemu-aarch64', bytes: fakeQemu(version) });
const image = (content: Content, version?: string, options = {}) =>
  addImage(content, [{ entries: [program(version)] }], options);
const good = { found: ['aarch64'], stored: ['qemu-aarch64'] };
const refused = (code: string, message: string, hint = '') => ({
  stored: [],
  error: expect.objectContaining({
    code,
    message: expect.stringContaining(message),
    hint: expect.stringContaining(hint),
  }),
});

async function layout(make: (content: Content) => Promise<readonly Descriptor[]>) {
  const content = newContent();
  const manifests = await make(content);
  return { content, manifests, folder: await writeLayout(await fresh(), content, manifests) };
}

/** An archive in the format of `docker save` before Docker 25. */
async function savedArchive(
  images: readonly { version: string; platform?: typeof HERE; tag: string }[],
  packing: Packing = 'none',
): Promise<Uint8Array> {
  const entries: TarEntry[] = [];
  const manifest = [];
  for (const { version, platform = HERE, tag } of images) {
    const layer = await tar([program(version)]);
    const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] };
    const config = JSON.stringify({ ...platform, rootfs });
    const name = `${digestOf(config).slice(7)}.json`;
    entries.push({ name, bytes: config }, { name: `${tag}/layer.tar`, bytes: pack(layer, packing) });
    manifest.push({ Config: name, RepoTags: [`test:${tag}`], Layers: [`${tag}/layer.tar`] });
  }
  return tar([...entries, { name: 'manifest.json', bytes: JSON.stringify(manifest) }]);
}

async function pullFile(bytes: Uint8Array, suffix = '') {
  const file = join(await fresh(), 'image.tar');
  await writeFile(file, bytes);
  return pull(at(), `${file}${suffix}`);
}

/** Replaces a file by a named pipe without a writer. */
function replaceByPipe(file: string): string {
  execFileSync('sh', ['-c', 'rm -f "$1" && mkfifo "$1"', 'sh', file]);
  return file;
}

const layerIn = ({ types }: Content): string => {
  const digest = [...types].find(([, type]) => type.includes('layer'))?.[0] ?? '';
  return join('blobs', digest.replace(':', '/'));
};

describe('an OCI layout', () => {
  it('provides its emulators through a manifest or an index', async () => {
    const direct = await layout(async (content) => [await image(content)]);
    expect(await pull(at(), direct.folder)).toMatchObject(good);
    const indexed = await layout(async (content) => {
      const other = await image(content, '1.0.0', { platform: ELSEWHERE });
      return [addIndex(content, [other, await image(content, '2.0.0')])];
    });
    expect(await pull(at(), indexed.folder)).toMatchObject({
      ...good,
      bytes: [Buffer.from(fakeQemu('2.0.0'))],
    });
  });

  it('with two images requires a digest', async () => {
    const { folder, manifests } = await layout(async (content) => [
      await image(content, '1.0.0'),
      await image(content, '2.0.0'),
    ]);
    const [first] = manifests;
    expect(await pull(at(), folder)).toMatchObject(
      refused('SOURCE_FAILED', 'contains 2 images', first?.digest),
    );
    expect((await pull(at(), `${folder}@${first?.digest}`)).bytes).toEqual([Buffer.from(fakeQemu('1.0.0'))]);
    const absent = `sha256:${'0'.repeat(64)}`;
    expect(await pull(at(), `${folder}@${absent}`)).toMatchObject(
      refused('SOURCE_FAILED', `has no image ${absent}`, `use one of its images: ${first?.digest}`),
    );
  });

  it('is not locked as a source of its own: the local file is the source', async () => {
    const { folder } = await layout(async (content) => [await image(content)]);
    expect((await pull(at(), folder)).sources).toEqual([undefined]);
  });

  it('is refused without blocking if one of its files is a pipe', async () => {
    const { folder, content, manifests } = await layout(async (content) => [await image(content)]);
    replaceByPipe(join(folder, layerIn(content)));
    expect(await pull(at(), folder)).toMatchObject(refused('BAD_PACKAGE', 'is a named pipe', 'again'));
    replaceByPipe(join(folder, 'index.json'));
    const named = await pull(at(), `${folder}@${manifests[0]?.digest}`);
    expect(named).toMatchObject(refused('BAD_PACKAGE', 'is a named pipe'));
    expect(await pull(at(), folder)).toMatchObject(
      refused('BAD_PACKAGE', 'index.json is a named pipe, not a regular file'),
    );
  });

  it('that other users can change requires a digest', async () => {
    const { folder, manifests } = await layout(async (content) => [await image(content)]);
    await chmod(join(folder, 'index.json'), 0o666);
    const others = refused('EMULATOR_UNFIT', 'index.json as the source: it can be written', 'copy it');
    expect(await pull(at(), folder)).toMatchObject(others);
    expect(await pull(at(), folder, { verified: true })).toMatchObject(good);
    expect(await pull(at(), `${folder}@${manifests[0]?.digest}`)).toMatchObject(good);
    await chmod(join(folder, 'index.json'), 0o644);
    await chmod(folder, 0o777);
    expect(await pull(at(), folder)).toMatchObject(refused('EMULATOR_UNFIT', `${folder} can be written`));
  });

  it.each([
    ['changed', (bytes: Buffer) => Buffer.from(bytes).fill(1, bytes.length - 4), 'digest'],
    ['truncated', (bytes: Buffer) => bytes.subarray(0, 100), '100 bytes'],
    ['too long', (bytes: Buffer) => Buffer.concat([bytes, bytes]), 'more than'],
  ])('is refused if a blob is %s', async (_, damage, why) => {
    const { folder, content } = await layout(async (content) => [await image(content)]);
    const file = join(folder, layerIn(content));
    await writeFile(file, damage(await readFile(file)));
    expect(await pull(at(), folder)).toMatchObject(refused('BAD_PACKAGE', why, 'do not trust'));
    await rm(file);
    expect(await pull(at(), folder)).toMatchObject(
      refused('SOURCE_FAILED', 'not found in', 'copy the whole image'),
    );
    expect(await leftovers()).toEqual([]);
  });

  it('is refused if it has no image for this machine', async () => {
    const { folder } = await layout(async (content) => [
      await image(content, '1.0.0', { platform: ELSEWHERE }),
    ]);
    expect(await pull(at(), folder)).toMatchObject(
      refused('SOURCE_FAILED', 'has no image for', 'linux/s390x'),
    );
  });

  it('is refused if it is invalid', async () => {
    const empty = await fresh();
    expect(await pull(at(), empty)).toMatchObject(refused('BAD_SOURCE', 'neither', 'skopeo copy'));
    expect(await pull(at(), join(empty, 'absent'))).toMatchObject(
      refused('BAD_SOURCE', 'absent: no such file', 'oci:./DIR'),
    );
    await writeFile(join(empty, 'index.json'), '[]');
    expect(await pull(at(), empty)).toMatchObject(refused('BAD_PACKAGE', 'not a JSON object'));
    await writeFile(join(empty, 'index.json'), '{"manifests": [{"digest": "../../etc/shadow"}]}');
    expect(await pull(at(), empty)).toMatchObject(refused('BAD_PACKAGE', 'manifests.0'));
  });
});

describe('an archive', () => {
  it.each(['none', 'gzip', 'zstd'] as const)(
    'of an OCI layout, packed by %s, gives its emulators',
    async (packing) => {
      const content = newContent();
      const manifest = await image(content);
      const archive = await tar(layoutFiles(content.blobs, [manifest]));
      expect(await pullFile(pack(archive, packing))).toMatchObject(good);
    },
  );

  it.each(['none', 'gzip'] as const)(
    'of an older `docker save`, with layers of %s, gives its emulators',
    async (packing) => {
      const archive = await savedArchive([{ version: '3.0.0', tag: 'latest' }], packing);
      expect(await pullFile(archive)).toMatchObject({ ...good, bytes: [Buffer.from(fakeQemu('3.0.0'))] });
    },
  );

  it('with several images is accepted if exactly one is for this machine', async () => {
    const other = { version: '1.0.0', tag: 'other', platform: ELSEWHERE };
    const own = { version: '2.0.0', tag: 'own' };
    expect(await pullFile(await savedArchive([other, own]))).toMatchObject(good);
    expect(await pullFile(await savedArchive([other]))).toMatchObject(
      refused('SOURCE_FAILED', 'has no image for', 'linux/s390x'),
    );
    expect(
      await pullFile(await savedArchive([own, { ...own, version: '4.0.0', tag: 'more' }])),
    ).toMatchObject(refused('SOURCE_FAILED', 'contains 2 images', 'test:own'));
    const archive = Buffer.from(await savedArchive([own, { ...own, version: '4.0.0', tag: 'more' }]));
    const ids = [...archive.toString('latin1').matchAll(/([0-9a-f]{64})\.json\0/g)].map(
      ([, hex]) => `@sha256:${hex}`,
    );
    expect((await pullFile(archive, ids[0])).bytes).toEqual([Buffer.from(fakeQemu('2.0.0'))]);
    expect(await pullFile(archive, `@sha256:${'0'.repeat(64)}`)).toMatchObject(
      refused('SOURCE_FAILED', 'has no image sha256:000', 'test:own'),
    );
  });

  it('may have layers that are links to other layers, as old versions of Docker write them', async () => {
    const layer = await tar([program()]);
    const config = JSON.stringify({ ...HERE, rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } });
    const name = `${digestOf(config).slice(7)}.json`;
    const archive = await tar([
      { name, bytes: config },
      { name: 'a/layer.tar', bytes: layer },
      { name: 'b/layer.tar', type: 'symlink', linkname: '../a/layer.tar' },
      { name: 'manifest.json', bytes: JSON.stringify([{ Config: name, Layers: ['b/layer.tar'] }]) },
    ]);
    expect(await pullFile(archive)).toMatchObject(good);
  });

  it('is refused if a layer or the configuration was changed', async () => {
    const archive = Buffer.from(await savedArchive([{ version: '3.0.0', tag: 'latest' }]));
    const changedLayer = Buffer.from(archive);
    changedLayer.write('9.9.9', archive.indexOf('3.0.0'));
    expect(await pullFile(changedLayer)).toMatchObject(refused('BAD_PACKAGE', 'digest'));
    const changedConfig = Buffer.from(archive);
    changedConfig.write('linuy', archive.indexOf('linux'));
    expect(await pullFile(changedConfig)).toMatchObject(refused('BAD_PACKAGE', 'configuration'));
  });

  it.each([
    ['a name that leads out of it', { name: '../index.json', bytes: '{}' }],
    ['an absolute name', { name: '/index.json', bytes: '{}' }],
    ['a link out of it', { name: 'index.json', type: 'symlink' as const, linkname: '/../../etc/shadow' }],
  ])('with %s is refused', async (_, entry) => {
    expect(await pullFile(await tar([entry]))).toMatchObject(refused('BAD_PACKAGE', '', 'do not trust'));
  });

  it('stops when interrupted', async () => {
    const archive = await savedArchive([{ version: '3.0.0', tag: 'latest' }]);
    const file = join(await fresh(), 'image.tar');
    await writeFile(file, archive);
    const { error, stored } = await pull(at(), file, { signal: AbortSignal.abort('SIGINT') });
    expect(error).toMatchObject({ code: 'INTERRUPTED' });
    expect(stored).toEqual([]);
  });

  it('that other users can change requires known digests', async () => {
    const archive = await savedArchive([{ version: '3.0.0', tag: 'latest' }]);
    const file = join(await fresh(), 'image.tar');
    await writeFile(file, archive);
    await chmod(file, 0o666);
    expect(await pull(at(), file)).toMatchObject(refused('EMULATOR_UNFIT', 'it can be written by others'));
    expect(await pull(at(), file, { verified: true })).toMatchObject(good);
    const [, id] = /([0-9a-f]{64})\.json\0/.exec(Buffer.from(archive).toString('latin1')) ?? [];
    expect(await pull(at(), `${file}@sha256:${id}`)).toMatchObject(good);
  });

  it('is refused without blocking if it is a pipe or a device', async () => {
    const pipe = replaceByPipe(join(await fresh(), 'pipe'));
    expect(await pull(at(), pipe)).toMatchObject(refused('BAD_SOURCE', 'pipe is a named pipe', 'oci:./FILE'));
    expect(await pull(at(), '/dev/zero')).toMatchObject(refused('BAD_SOURCE', '/dev/zero is a device'));
  });

  it('is refused if it is a binfmtctl bundle, with the right option in the hint', async () => {
    const manifest = { name: 'manifest.json', bytes: encodeManifest({ host: 'x86_64', emulators: [] }) };
    expect(await pullFile(await tar([manifest]))).toMatchObject(
      refused('BAD_SOURCE', 'is a binfmtctl bundle', '--source bundle:'),
    );
  });

  it('is named in each error about its contents', async () => {
    const file = 'image.tar: ';
    const hostile = await tar([{ name: '../../etc/passwd', bytes: 'x' }]);
    expect(await pullFile(hostile)).toMatchObject(refused('BAD_PACKAGE', file));
    const folder = await tar([{ name: 'usr/bin/qemu-aarch64', type: 'directory' }]);
    const content = newContent();
    const manifest = await addImage(content, [{ raw: folder, packing: 'none' }]);
    const archive = await tar(layoutFiles(content.blobs, [manifest]));
    expect(await pullFile(archive)).toMatchObject(refused('BAD_PACKAGE', `${file}/usr/bin/qemu-aarch64 is`));
  });

  it('is refused if it is truncated, empty or of another format', async () => {
    const archive = await savedArchive([{ version: '3.0.0', tag: 'latest' }]);
    for (const bytes of [archive.subarray(0, 1000), Buffer.from('<html>moved</html>'.repeat(99))])
      expect((await pullFile(bytes)).error).toMatchObject({ code: 'BAD_PACKAGE' });
    expect(await pullFile(Buffer.alloc(0))).toMatchObject(refused('BAD_SOURCE', 'neither'));
  });
});
