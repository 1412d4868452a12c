import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from './fixtures/bundle.ts';
import { type TarEntry, tar } from './fixtures/deb.ts';
import { pack } from './fixtures/image.ts';
import { contentOf, leftovers, open, trees } from './fixtures/rootfs.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
const fresh = () => mkdtemp(at('x-'));

/** A small root file system with what is hard to keep. */
async function makeTree(): Promise<string> {
  const tree = await fresh();
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  mkdirSync(join(tree, 'var/tmp'), { recursive: true });
  writeFileSync(join(tree, 'usr/bin/su'), 'su');
  execFileSync('chmod', ['4755', join(tree, 'usr/bin/su')]);
  linkSync(join(tree, 'usr/bin/su'), join(tree, 'usr/bin/sudo'));
  symlinkSync('usr/bin', join(tree, 'bin'));
  symlinkSync('/run', join(tree, 'var/run'));
  execFileSync('chmod', ['1777', join(tree, 'var/tmp')]);
  execFileSync('mkfifo', [join(tree, 'var/pipe')]);
  writeFileSync(join(tree, 'n'.repeat(200)), 'long');
  utimesSync(join(tree, 'usr/bin/su'), 1e9, 1e9);
  return tree;
}

const packed = (tree: string, ...options: string[]): Buffer =>
  execFileSync('tar', ['-C', tree, '-c', ...options, '.'], { maxBuffer: 1 << 28 });

const COMPRESSIONS: [string, (bytes: Uint8Array) => Uint8Array][] = [
  ['nothing', (bytes) => bytes],
  ['gzip', (bytes) => pack(bytes, 'gzip')],
  ['zstd', (bytes) => pack(bytes, 'zstd')],
  ['zstd with a large window', (bytes) => pack(bytes, 'zstd', '--ultra', '-22', '--long=27')],
  ['xz', (input) => execFileSync('xz', ['-c'], { input })],
  ['bzip2', (input) => execFileSync('bzip2', ['-c'], { input })],
];

/** Writes an archive, opens it, and returns what came of it. */
async function openBytes(bytes: Uint8Array, name = 'root.tar') {
  const folder = await fresh();
  const file = join(folder, name);
  const store = join(folder, 'store');
  writeFileSync(file, bytes);
  return { ...(await open(store, file)), file, store, folder };
}
const openEntries = async (entries: readonly TarEntry[]) => openBytes(await tar(entries));

describe('a folder', () => {
  it('is a root file system as it is, and nothing is made', async () => {
    const tree = await makeTree();
    symlinkSync(tree, `${tree}-link`);
    const store = at('none');
    const { rootfs } = await open(store, `${tree}-link`);
    expect(rootfs).toEqual({ directory: tree, name: `${tree}-link`, unpacked: false });
    expect(() => readdirSync(store)).toThrow(/ENOENT/);
  });
});

describe('a tar archive', () => {
  it.each(COMPRESSIONS)('packed by %s becomes a tree with all that was in it', async (_, compress) => {
    const tree = await makeTree();
    const { rootfs, store, reports } = await openBytes(compress(packed(tree)));
    const made = rootfs?.directory ?? '';
    expect(rootfs).toMatchObject({
      unpacked: true,
      directory: expect.stringMatching(/\/store\/[0-9a-f]{32}\/tree$/),
    });
    expect(contentOf(made)).toEqual(contentOf(tree));
    const su = lstatSync(join(made, 'usr/bin/su'));
    expect(su.mode & 0o7777).toBe(0o4755);
    expect([su.nlink, su.mtimeMs]).toEqual([2, 1e12]);
    expect(lstatSync(join(made, 'var/tmp')).mode & 0o7777).toBe(0o1777);
    expect(lstatSync(made).mode).toBe(lstatSync(tree).mode);
    expect(lstatSync(join(made, 'var/pipe')).isFIFO()).toBe(true);
    expect(leftovers(store)).toEqual([]);
    expect(readdirSync(dirname(made))).toEqual(['tree', 'use.json']);
    expect(reports[0]).toMatchObject({
      kind: 'stage',
      stage: 'unpack',
      text: expect.stringContaining('root.tar'),
    });
    expect(reports.at(-1)).toMatchObject({ kind: 'bytes', stage: 'unpack' });
  });

  it('keeps extended attributes, and files with holes', async () => {
    const pax = { 'SCHILY.xattr.user.mark': 'seen', 'SCHILY.xattr.user.overlay.opaque': 'y' };
    const { rootfs } = await openEntries([{ name: 'x', bytes: 'x', pax } as never]);
    const again = packed(rootfs?.directory ?? '', '--xattrs', '--xattrs-include=*').toString('latin1');
    expect(again).toContain('SCHILY.xattr.user.mark=seen');
    expect(again).not.toContain('overlay');
    const tree = await fresh();
    execFileSync('truncate', ['-s', '50M', join(tree, 'holes')]);
    const holes = await openBytes(packed(tree, '--sparse', '--format=posix'));
    const facts = statSync(join(holes.rootfs?.directory ?? '', 'holes'));
    expect([facts.size, facts.blocks < 1000]).toEqual([50 * 1024 ** 2, true]);
  });

  it('may be one of GNU with holes in its files', async () => {
    const tree = await fresh();
    const name = `${'d'.repeat(60)}/${'f'.repeat(60)}`;
    mkdirSync(join(tree, dirname(name)));
    execFileSync('truncate', ['-s', '50M', join(tree, name)]);
    // More pieces than a header has room for, and than the block behind it.
    const file = openSync(join(tree, 'many'), 'w');
    for (let piece = 0; piece < 60; piece++) writeSync(file, `piece ${piece}`, piece * 2 ** 20);
    closeSync(file);
    writeFileSync(join(tree, 'plain'), 'plain');
    const { rootfs, error } = await openBytes(packed(tree, '--sparse', '--format=gnu'));
    expect(error).toBeUndefined();
    const made = rootfs?.directory ?? '';
    expect(readdirSync(made).toSorted()).toEqual(['d'.repeat(60), 'many', 'plain']);
    for (const each of [name, 'many', 'plain'])
      expect(readFileSync(join(made, each)).equals(readFileSync(join(tree, each)))).toBe(true);
    const facts = statSync(join(made, name));
    expect([facts.size, facts.blocks < 1000]).toEqual([50 * 1024 ** 2, true]);
  });

  it('may be one of Unix V7', async () => {
    const tree = await fresh();
    mkdirSync(join(tree, 'usr/bin'), { recursive: true });
    writeFileSync(join(tree, 'usr/bin/su'), 'su'.repeat(1000));
    linkSync(join(tree, 'usr/bin/su'), join(tree, 'usr/bin/sudo'));
    symlinkSync('usr/bin', join(tree, 'bin'));
    const { rootfs, error } = await openBytes(packed(tree, '--format=v7'));
    expect(error).toBeUndefined();
    expect(contentOf(rootfs?.directory ?? '')).toEqual(contentOf(tree));
  });

  it('is for nobody else to look into', async () => {
    const { rootfs } = await openBytes(packed(await makeTree()));
    expect(statSync(dirname(rootfs?.directory ?? '')).mode & 0o777).toBe(0o700);
  });

  it('is not read again as long as it is the same', async () => {
    const { file, store } = await openBytes(packed(await makeTree()));
    const { size } = statSync(file);
    utimesSync(file, 1e9, 1e9);
    const { rootfs } = await open(store, file);
    writeFileSync(file, Buffer.alloc(size, 'x'));
    utimesSync(file, 1e9, 1e9);
    expect(await open(store, file)).toEqual({ rootfs, reports: [] });
    utimesSync(file, 1e9, 2e9);
    expect((await open(store, file)).error).toMatchObject({ code: 'BAD_SOURCE' });
    writeFileSync(file, await tar([{ name: 'new', bytes: 'new' }]));
    const second = await open(store, file);
    expect(contentOf(second.rootfs?.directory ?? '')).toEqual({ new: 'new' });
    expect(trees(store).length).toBe(3);
  });

  it('opened by two at a time is unpacked once', async () => {
    const folder = await fresh();
    const file = join(folder, 'root.tar');
    writeFileSync(file, packed(await makeTree()));
    const all = await Promise.all([1, 2, 3].map(() => open(join(folder, 'store'), file)));
    expect(new Set(all.map(({ rootfs }) => rootfs?.directory)).size).toBe(1);
    expect(trees(join(folder, 'store')).length).toBe(1);
    expect(leftovers(join(folder, 'store'))).toEqual([]);
  });

  it('gives no devices, which a plain user cannot make', async () => {
    const { rootfs } = await openEntries([
      { name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
      { name: 'dev/zero', type: 'link', linkname: 'dev/null' },
      { name: 'disk', type: 'block-device', devmajor: 7 },
      { name: 'x', bytes: 'x' },
    ]);
    expect(contentOf(rootfs?.directory ?? '')).toEqual({ x: 'x' });
  });

  it('has its absolute names below the tree', async () => {
    const { rootfs } = await openEntries([{ name: '/etc/binfmtctl-hostile', bytes: 'x' }]);
    expect(contentOf(rootfs?.directory ?? '')).toEqual({ etc: null, 'etc/binfmtctl-hostile': 'x' });
    expect(() => statSync('/etc/binfmtctl-hostile')).toThrow(/ENOENT/);
  });
});

describe('a hostile archive', () => {
  const link = (name: string, linkname: string): TarEntry => ({ name, type: 'symlink', linkname });
  const hard = (name: string, linkname: string): TarEntry => ({ name, type: 'link', linkname });
  const file = (name: string): TarEntry => ({ name, bytes: 'hostile' });
  const far = '../'.repeat(30);

  it.each<[string, (outside: string) => readonly TarEntry[]]>([
    ['a name that climbs out', () => [file('../../../outside/victim')]],
    ['a name that climbs out of a folder', () => [file('a/b'), file('a/../../../../outside/victim')]],
    ['a file below an absolute link', (outside) => [link('a', outside), file('a/victim')]],
    ['a file below a link that climbs out', (outside) => [link('a', `${far}${outside}`), file('a/victim')]],
    ['a file below a chain of links', (o) => [link('a', `${far}${o}`), link('b', 'a'), file('b/victim')]],
    [
      'a folder below a link',
      (o) => [link('a', o), { name: 'a/new', type: 'directory' }, file('a/new/victim')],
    ],
    ['a link below a link', (outside) => [link('a', outside), link('a/victim', '/etc')]],
    ['a hard link to a file outside', (outside) => [hard('a', `${outside}/victim`), file('a')]],
    ['a hard link that climbs out', (outside) => [hard('a', `${far}${outside}/victim`), file('a')]],
    ['a hard link below a link', (outside) => [link('d', outside), hard('a', 'd/victim'), file('a')]],
    [
      'a link in place of a folder',
      (o) => [{ name: 'a', type: 'directory' }, link('a', o), file('a/victim')],
    ],
    ['a file in place of its own folder', () => [file('a/b'), file('../tree/../../outside/victim')]],
  ])('with %s is refused, and nothing is touched or left', async (_, entries) => {
    const outside = await fresh();
    writeFileSync(join(outside, 'victim'), 'untouched');
    const { error, store } = await openEntries(entries(outside));
    expect(error).toMatchObject({ code: 'BAD_PACKAGE', message: expect.stringContaining('root.tar') });
    expect(contentOf(outside)).toEqual({ victim: 'untouched' });
    expect(lstatSync(join(outside, 'victim')).nlink).toBe(1);
    expect([...leftovers(store), ...trees(store)]).toEqual([]);
  });

  it('that writes to what is a link writes nothing where that leads to', async () => {
    const outside = await fresh();
    writeFileSync(join(outside, 'victim'), 'untouched');
    const entries = [
      link('a', join(outside, 'victim')),
      file('a'),
      link('b', `${far}${outside}/victim`),
      hard('c', 'b'),
    ];
    await openEntries([...entries, file('c')]);
    expect(contentOf(outside)).toEqual({ victim: 'untouched' });
  });

  it('with entries in it that not every program sees is refused', async () => {
    // GNU tar takes what comes behind a hard link with a size for entries, and others for the bytes of it.
    const hidden = (await tar([file('../../../hidden')])).subarray(0, 1024);
    const head = await tar([{ name: 'a', bytes: hidden }]);
    head[156] = '1'.charCodeAt(0);
    head.write('b', 157);
    head.fill(' ', 148, 156);
    const sum = head.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const { error, folder } = await openBytes(head);
    expect(error).toMatchObject({ code: 'BAD_PACKAGE', message: expect.stringContaining('with content') });
    expect(readdirSync(folder).toSorted()).toEqual(['root.tar', 'store']);
  });

  it('that would fill the disk is refused at once', async () => {
    const bomb = await tar([{ name: 'x', bytes: '' }]);
    bomb.write('77777777777 ', 124, 'latin1');
    bomb.fill(' ', 148, 156);
    // 8 GiB each, of which nothing follows.
    const sum = bomb.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    bomb.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const { error, store } = await openBytes(gzipSync(Buffer.concat([bomb.subarray(0, 512)])));
    expect(error?.code).toMatch(/BAD_PACKAGE|FILE_FAILED/);
    const huge = await openEntries([{ name: 'x', bytes: 'x', pax: { size: '900000000000000' } } as never]);
    expect(huge.error).toMatchObject({
      code: 'FILE_FAILED',
      message: expect.stringContaining('needs more than'),
    });
    const zeros = gzipSync(Buffer.alloc(64 << 20));
    const empty = await openBytes(Buffer.concat([gzipSync(await tar([file('x')])), zeros, zeros]));
    expect(empty.error).toMatchObject({
      code: 'BAD_PACKAGE',
      message: expect.stringContaining('belongs to no file'),
    });
    for (const each of [store, huge.store, empty.store])
      expect([...leftovers(each), ...trees(each)]).toEqual([]);
  });

  it('that is cut off leaves nothing', async () => {
    const tree = await makeTree();
    writeFileSync(join(tree, 'zz'), Buffer.alloc(1 << 20, 'z'));
    const whole = packed(tree);
    for (const bytes of [whole.subarray(0, whole.length / 2), gzipSync(whole).subarray(0, 600)]) {
      const { error, store } = await openBytes(bytes);
      expect(error).toMatchObject({ code: 'BAD_PACKAGE' });
      expect([...leftovers(store), ...trees(store)]).toEqual([]);
    }
  });
});

describe('what is no root file system', () => {
  it('is refused with what could be one', async () => {
    const hint = expect.stringContaining('use a directory, a tar archive');
    for (const bytes of ['', 'hello', gzipSync('hello'), Buffer.alloc(20_000)]) {
      const { error } = await openBytes(Buffer.from(bytes));
      expect(error).toMatchObject({
        code: 'BAD_SOURCE',
        message: expect.stringContaining('is not a tar archive'),
        hint,
      });
    }
    expect((await open(at('s'), '/dev/null')).error).toMatchObject({ code: 'BAD_SOURCE', hint });
    execFileSync('mkfifo', [at('pipe')]);
    expect((await open(at('s'), at('pipe'))).error).toMatchObject({ code: 'BAD_SOURCE', hint });
    expect((await open(at('s'), at('absent'))).error).toMatchObject({
      code: 'BAD_SOURCE',
      message: expect.stringContaining('no such file'),
    });
    const folder = await fresh();
    expect((await open(at('s'), `${folder}@sha256:${'0'.repeat(64)}`)).error).toMatchObject({
      code: 'BAD_SOURCE',
    });
  });
});

describe('unpacking that does not come to its end', () => {
  let program = '';
  let large = '';
  beforeAll(async () => {
    program = await bundle('open-once.ts', at('open-once.cjs'));
    large = at('large.tar');
    const noise = Array.from({ length: 300 }, (_, index) => ({
      name: `noise/${index}`,
      bytes: Buffer.alloc(1 << 20, index),
    }));
    writeFileSync(large, await tar(noise));
  });
  const maps = () => JSON.stringify(process.geteuid?.() === 0 ? null : ownMaps());
  const ownMaps = () => ({
    uid: [{ inside: 0, outside: process.geteuid?.(), count: 1 }],
    gid: [{ inside: 0, outside: process.getegid?.(), count: 1 }],
  });
  /** Starts it, and returns once it unpacks. */
  async function begun(store: string) {
    const child = spawn(process.execPath, [program, store, maps(), '', large], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    const ended = once(child, 'close');
    await once(child.stderr, 'data');
    return {
      child,
      ended,
      result: () => JSON.parse(stdout) as { error?: object; peak: number; rootfs?: object },
    };
  }
  /** Ends with the child too: the test then says what that printed. */
  const until = async (child: ChildProcess, holds: () => boolean): Promise<void> => {
    while (!holds() && child.exitCode === null) await wait(5);
  };
  const hasBegun = (store: string) => () =>
    leftovers(store).some((name) => readdirSync(join(store, name, 'tree')).includes('noise'));

  it('leaves nothing when it is interrupted', async () => {
    const store = join(await fresh(), 'store');
    const { child, ended, result } = await begun(store);
    await until(child, hasBegun(store));
    child.kill('SIGINT');
    await ended;
    expect(result().error).toMatchObject({ code: 'INTERRUPTED' });
    expect([...leftovers(store), ...trees(store)]).toEqual([]);
  });

  it('leaves what the next one removes when it is killed, and no tree', async () => {
    const store = join(await fresh(), 'store');
    const { child, ended } = await begun(store);
    await until(child, hasBegun(store));
    child.kill('SIGKILL');
    await ended;
    expect(trees(store)).toEqual([]);
    expect(leftovers(store).length).toBe(1);
    const next = await begun(store);
    await next.ended;
    expect(next.result()).toMatchObject({ rootfs: { unpacked: true } });
    expect(leftovers(store)).toEqual([]);
    expect(trees(store).length).toBe(1);
    expect(next.result().peak).toBeLessThan(130e6);
  });
});
