import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { runConfined } from '../../src/rootfs/confined.ts';
import { type TarEntry, tar } from './fixtures/deb.ts';
import {
  addImage,
  addIndex,
  type Descriptor,
  digestOf,
  HERE,
  type LayerSpec,
  layoutFiles,
  newContent,
  pack,
  writeLayout,
} from './fixtures/image.ts';
import { contentOf, leftovers, MAPS, open, trees } from './fixtures/rootfs.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
const fresh = () => mkdtemp(at('x-'));

const file = (name: string, bytes = name): TarEntry => ({ name, bytes });
const folder = (name: string): TarEntry => ({ name, type: 'directory' });
const link = (name: string, linkname: string): TarEntry => ({ name, type: 'symlink', linkname });
const BASE = [
  folder('bin'),
  file('bin/sh'),
  file('bin/ls'),
  folder('etc'),
  file('etc/passwd'),
  link('lib', 'bin'),
];

/** Writes a layout of an image with these layers, lowest first, opens it, and returns the result. */
async function openLayers(...layers: (readonly TarEntry[] | LayerSpec)[]) {
  const content = newContent();
  const specs = layers.map((layer): LayerSpec => ('map' in layer ? { entries: layer } : layer));
  const manifest = await addImage(content, specs);
  const where = await fresh();
  const layout = await writeLayout(join(where, 'image'), content, [manifest]);
  const store = join(where, 'store');
  return { ...(await open(store, layout)), where, layout, store, content, manifest };
}

/** The contents of the tree of an image with these layers. */
async function treeOf(...layers: (readonly TarEntry[])[]) {
  const { rootfs, error } = await openLayers(...layers);
  expect(error).toBeUndefined();
  return contentOf(rootfs?.directory ?? '');
}

const without = (...names: string[]) => {
  const all: Record<string, string | null> = {
    bin: null,
    'bin/sh': 'bin/sh',
    'bin/ls': 'bin/ls',
    etc: null,
    'etc/passwd': 'etc/passwd',
    lib: '-> bin',
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)));
};

describe('an OCI layout', () => {
  it('is unpacked from all its layers, whatever their compression', async () => {
    const { rootfs, store, layout, reports } = await openLayers(
      { entries: BASE, packing: 'gzip' },
      { entries: [file('a')], packing: 'zstd' },
      { entries: [file('bin/sh', 'newer'), file('lib/b')], packing: 'none' },
    );
    expect(rootfs).toMatchObject({ name: layout, unpacked: true });
    expect(contentOf(rootfs?.directory ?? '')).toEqual({
      ...without(),
      a: 'a',
      'bin/sh': 'newer',
      'bin/b': 'lib/b',
    });
    expect(reports.map((each) => ('text' in each ? each.text : ''))).toEqual(
      [1, 2, 3].map((each) => `layer ${each} of 3`),
    );
    expect([leftovers(store).length, trees(store).length]).toEqual([0, 1]);
    expect(await open(store, layout)).toEqual({ rootfs, reports: [] });
  });

  it('may have a layer without padding at the end', async () => {
    const raw = (await tar([file('a', 'abc')])).subarray(0, 515);
    const { rootfs } = await openLayers(BASE, { raw });
    expect(contentOf(rootfs?.directory ?? '')).toEqual({ ...without(), a: 'abc' });
    const { error } = await openLayers(BASE, {
      raw: (await tar([file('a', 'a'.repeat(2000))])).subarray(0, 1024),
    });
    expect(error).toMatchObject({ code: 'BAD_PACKAGE', message: expect.stringContaining('truncated') });
  });

  it('with the same layers as another shares its tree', async () => {
    const { rootfs, store, where, content, manifest } = await openLayers(BASE);
    const copy = await writeLayout(join(where, 'copy'), content, [manifest]);
    expect(await open(store, copy)).toMatchObject({ rootfs: { directory: rootfs?.directory }, reports: [] });
  });

  it('with only one of its two files is treated as a directory', async () => {
    const { layout, store } = await openLayers(BASE);
    rmSync(join(layout, 'oci-layout'));
    expect((await open(store, layout)).rootfs).toMatchObject({ directory: layout, unpacked: false });
  });

  it('with a changed layer is refused before unpacking any of it', async () => {
    const content = newContent();
    const manifest = await addImage(content, [{ entries: BASE }, { entries: [file('a')] }]);
    for (const [digest] of [...content.blobs].filter(([, bytes]) => bytes[0] === 0x1f)) {
      const where = await fresh();
      const layout = await writeLayout(join(where, 'image'), content, [manifest]);
      const blob = join(layout, 'blobs', digest.replace(':', '/'));
      writeFileSync(blob, gzipSync(await tar([file('b')])));
      const { error } = await open(join(where, 'store'), layout);
      expect(error).toMatchObject({ code: 'BAD_PACKAGE', message: expect.stringContaining(layout) });
      expect([...leftovers(join(where, 'store')), ...trees(join(where, 'store'))]).toEqual([]);
    }
  });
});

describe('an image archive', () => {
  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['nothing', (bytes) => bytes],
    ['gzip', (bytes) => pack(bytes, 'gzip')],
    ['zstd', (bytes) => pack(bytes, 'zstd')],
    ['xz', (input) => execFileSync('xz', ['-c'], { input })],
  ])('compressed with %s is unpacked once', async (_, compress) => {
    const content = newContent();
    const manifest = await addImage(content, [{ entries: BASE }, { entries: [file('.wh.etc', '')] }]);
    const where = await fresh();
    const archive = join(where, 'image.tar');
    writeFileSync(archive, compress(await tar(layoutFiles(content.blobs, [manifest]))));
    const { rootfs } = await open(join(where, 'store'), archive);
    expect(contentOf(rootfs?.directory ?? '')).toEqual(without('etc', 'etc/passwd'));
    expect(leftovers(join(where, 'store'))).toEqual([]);
    expect(await open(join(where, 'store'), archive)).toEqual({ rootfs, reports: [] });
  });

  it('in the old format of `docker save` is unpacked', async () => {
    const layers = [await tar(BASE), await tar([file('.wh.lib', '')])];
    const config = JSON.stringify({ ...HERE, rootfs: { type: 'layers', diff_ids: layers.map(digestOf) } });
    const name = `${digestOf(config).slice(7)}.json`;
    const names = layers.map((_, index) => `${String(index).repeat(64)}/layer.tar`);
    const manifest = [{ Config: name, Layers: names, RepoTags: ['test:latest'] }];
    const entries = layers.map((bytes, index): TarEntry => ({ name: names[index] ?? '', bytes }));
    const archive = await tar([
      ...entries,
      { name, bytes: config },
      file('manifest.json', JSON.stringify(manifest)),
    ]);
    const where = await fresh();
    writeFileSync(join(where, 'saved.tar'), archive);
    const { rootfs } = await open(join(where, 'store'), join(where, 'saved.tar'));
    expect(contentOf(rootfs?.directory ?? '')).toEqual(without('lib'));
  });
});

describe('an image with several platforms', () => {
  const platform = (architecture: string) => ({ os: 'linux', architecture });
  async function layoutFor(...architectures: string[]) {
    const content = newContent();
    const manifests: Descriptor[] = [];
    for (const each of architectures)
      manifests.push(await addImage(content, [{ entries: [file(each)] }], { platform: platform(each) }));
    const where = await fresh();
    return {
      layout: await writeLayout(join(where, 'image'), content, [addIndex(content, manifests)]),
      store: join(where, 'store'),
      manifests,
    };
  }
  const own = HERE.architecture;

  it('is used for this machine, or for the requested arch', async () => {
    const { layout, store } = await layoutFor('s390x', own, 'riscv64');
    const mine = await open(store, layout);
    expect(contentOf(mine.rootfs?.directory ?? '')).toEqual({ [own]: own });
    const other = await open(store, layout, { arches: ['ppc64le', 'riscv64'] });
    expect(contentOf(other.rootfs?.directory ?? '')).toEqual({ riscv64: 'riscv64' });
    expect((await open(store, layout, { arches: ['ppc64le'] })).error).toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('has no image for linux/ppc64le'),
      hint: expect.stringContaining('linux/s390x'),
    });
  });

  it('is used if it has only one platform, otherwise one must be requested', async () => {
    const one = await layoutFor('riscv64');
    const { rootfs } = await open(one.store, one.layout);
    expect(contentOf(rootfs?.directory ?? '')).toEqual({ riscv64: 'riscv64' });
    const two = await layoutFor('riscv64', 's390x');
    expect((await open(two.store, two.layout)).error).toMatchObject({
      code: 'USAGE',
      message: `${two.layout} has images for 2 platforms`,
      hint: 'choose one with --arch: linux/riscv64, linux/s390x',
    });
    const named = await open(two.store, `${two.layout}@${two.manifests[1]?.digest}`);
    expect(contentOf(named.rootfs?.directory ?? '')).toEqual({ s390x: 's390x' });
  });
});

describe('a layer', () => {
  it('removes files and directories', async () => {
    expect(await treeOf(BASE, [file('bin/.wh.ls', '')])).toEqual(without('bin/ls'));
    expect(await treeOf(BASE, [file('./.wh.etc', ''), file('.wh.absent', '')])).toEqual(
      without('etc', 'etc/passwd'),
    );
    expect(await treeOf(BASE, [file('lib/.wh.ls', '')])).toEqual(without('bin/ls'));
  });

  it('empties a directory, but keeps the files that it adds', async () => {
    const layer = [folder('bin'), file('bin/new'), file('bin/.wh..wh..opq', '')];
    expect(await treeOf(BASE, layer)).toEqual({ ...without('bin/sh', 'bin/ls'), 'bin/new': 'bin/new' });
    expect(await treeOf(BASE, [file('bin/.wh.sh', ''), file('bin/sh', 'newer')])).toEqual({
      ...without(),
      'bin/sh': 'newer',
    });
    expect(await treeOf(BASE, [file('.wh..wh..opq', ''), file('only')])).toEqual({ only: 'only' });
  });

  it('replaces paths by other types', async () => {
    expect(await treeOf(BASE, [file('etc')])).toEqual({ ...without('etc/passwd'), etc: 'etc' });
    expect(await treeOf(BASE, [link('etc', 'bin')])).toEqual({ ...without('etc/passwd'), etc: '-> bin' });
    expect(await treeOf(BASE, [folder('lib'), file('lib/x')])).toEqual({
      ...without(),
      lib: null,
      'lib/x': 'lib/x',
    });
    expect(await treeOf(BASE, [folder('bin')])).toEqual(without());
    expect(await treeOf(BASE, [folder('etc/passwd'), file('etc/passwd/x')])).toEqual({
      ...without(),
      'etc/passwd': null,
      'etc/passwd/x': 'etc/passwd/x',
    });
  });

  it('is unpacked without AUFS metadata', async () => {
    const notes = [file('.wh..wh.aufs', ''), folder('.wh..wh.plnk'), file('.wh..wh.plnk/1.2', '')];
    expect(await treeOf(BASE, notes)).toEqual(without());
  });

  it('may follow a link to /run, which many images have', async () => {
    const base = [folder('run'), folder('var'), link('var/run', '/run')];
    expect(await treeOf(base, [file('var/run/x', 'x')])).toEqual({
      run: null,
      'run/x': 'x',
      var: null,
      'var/run': '-> /run',
    });
  });

  it.each<[string, (outside: string) => readonly TarEntry[]]>([
    ['a whiteout without a name', () => [file('.wh.', '')]],
    ['a whiteout of its own directory', () => [file('etc/.wh..', '')]],
    ['a whiteout of the parent directory', () => [file('etc/.wh...', '')]],
    ['a whiteout that leads out', (outside) => [file(`${'../'.repeat(30)}${outside}/.wh.victim`, '')]],
    ['a whiteout that leads out through a directory', () => [file('a/../../.wh.x', '')]],
    ['an opaque whiteout that leads out', (outside) => [file(`../../${outside}/.wh..wh..opq`, '')]],
    ['a file below a link of a lower layer', () => [file('out/victim')]],
    ['a file below a relative link of a lower layer', () => [file('far/victim')]],
    ['a link below a link of a lower layer', () => [link('out/new', '/etc')]],
    [
      'a hard link below a link of a lower layer',
      () => [{ name: 'stolen', type: 'link', linkname: 'out/victim' }],
    ],
  ])('with %s is refused without touching or leaving anything', async (_, entries) => {
    const outside = await fresh();
    writeFileSync(join(outside, 'victim'), 'untouched');
    const base = [...BASE, link('out', outside), link('far', `${'../'.repeat(30)}${outside}`)];
    const { error, store } = await openLayers(base, entries(outside));
    expect(error).toMatchObject({ code: 'BAD_PACKAGE' });
    expect(contentOf(outside)).toEqual({ victim: 'untouched' });
    expect([...leftovers(store), ...trees(store)]).toEqual([]);
  });

  it('with whiteouts below links that lead out touches nothing outside', async () => {
    const outside = await fresh();
    writeFileSync(join(outside, 'victim'), 'untouched');
    const base = [
      ...BASE,
      link('out', outside),
      link('usr', '/usr'),
      link('far', `${'../'.repeat(30)}${outside}`),
    ];
    const gone = [
      'out/.wh.victim',
      'far/.wh.victim',
      'out/.wh..wh..opq',
      'far/.wh..wh..opq',
      'out/./.wh.victim',
    ];
    const { error } = await openLayers(
      base,
      gone.map((name) => file(name, '')),
    );
    expect(error?.code ?? 'BAD_PACKAGE').toBe('BAD_PACKAGE');
    expect(contentOf(outside)).toEqual({ victim: 'untouched' });
  });
});

describe('the unpacking program', () => {
  it('can only write to the tree', async () => {
    const where = await fresh();
    for (const name of ['tree', 'root']) execFileSync('mkdir', [join(where, name)]);
    writeFileSync(join(where, 'victim'), 'untouched');
    const place = { tree: join(where, 'tree'), root: join(where, 'root'), maps: MAPS };
    const script = [
      `echo hostile > ${where}/victim`,
      'echo hostile > ../victim',
      'echo hostile > /etc/binfmtctl-hostile',
      'echo hostile > /usr/binfmtctl-hostile',
      'echo hostile > /binfmtctl-hostile',
      `rm -rf ${where}/victim /usr/bin/env`,
      'echo good > good',
      'echo run > /run-in-tree || mkdir run && echo good > /run/file',
      'pwd',
    ].join('\n');
    const { stdout } = await runConfined(place, ['sh', '-c', script], {});
    expect(Buffer.from(stdout).toString()).toBe('/tree\n');
    expect(readFileSync(join(where, 'victim'), 'utf8')).toBe('untouched');
    expect(contentOf(where)).toEqual({
      victim: 'untouched',
      root: null,
      tree: null,
      'tree/good': 'good\n',
      'tree/run': null,
      'tree/run/file': 'good\n',
    });
    for (const path of ['/etc/binfmtctl-hostile', '/usr/binfmtctl-hostile', '/binfmtctl-hostile'])
      expect(() => readFileSync(path)).toThrow(/ENOENT/);
    expect(readFileSync('/usr/bin/env').length).toBeGreaterThan(0);
  });
});
