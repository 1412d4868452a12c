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

/** A small root file system with attributes that are hard to preserve. */
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

/** Writes an archive, opens it, and returns the result. */
async function openBytes(bytes: Uint8Array, name = 'root.tar') {
  const folder = await fresh();
  const file = join(folder, name);
  const store = join(folder, 'store');
  writeFileSync(file, bytes);
  return { ...(await open(store, file)), file, store, folder };
}
const openEntries = async (entries: readonly TarEntry[]) => openBytes(await tar(entries));

describe('a directory', () => {
  it('is used directly as a root file system', async () => {
    const tree = await makeTree();
    symlinkSync(tree, `${tree}-link`);
    const store = at('none');
    const { rootfs } = await open(store, `${tree}-link`);
    expect(rootfs).toEqual({ directory: tree, name: `${tree}-link`, unpacked: false });
    expect(() => readdirSync(store)).toThrow(/ENOENT/);
  });
});

describe('a tar archive', () => {
  it.each(COMPRESSIONS)('compressed with %s is unpacked completely', async (_, compress) => {
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

  it('keeps extended attributes and sparse files', async () => {
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

  it('may be a GNU archive with sparse files', async () => {
    const tree = await fresh();
    const name = `${'d'.repeat(60)}/${'f'.repeat(60)}`;
    mkdirSync(join(tree, dirname(name)));
    execFileSync('truncate', ['-s', '50M', join(tree, name)]);
    // More pieces than fit into a header and the block after it.
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

  it('may be a Unix V7 archive', async () => {
    const tree = await fresh();
    mkdirSync(join(tree, 'usr/bin'), { recursive: true });
    writeFileSync(join(tree, 'usr/bin/su'), 'su'.repeat(1000));
    linkSync(join(tree, 'usr/bin/su'), join(tree, 'usr/bin/sudo'));
    symlinkSync('usr/bin', join(tree, 'bin'));
    const { rootfs, error } = await openBytes(packed(tree, '--format=v7'));
    expect(error).toBeUndefined();
    expect(contentOf(rootfs?.directory ?? '')).toEqual(contentOf(tree));
  });

  it('is unpacked without access for other users', async () => {
    const { rootfs } = await openBytes(packed(await makeTree()));
    expect(statSync(dirname(rootfs?.directory ?? '')).mode & 0o777).toBe(0o700);
  });

  it('is not read again while it is unchanged', async () => {
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

  it('opened twice at the same time is unpacked once', async () => {
    const folder = await fresh();
    const file = join(folder, 'root.tar');
    writeFileSync(file, packed(await makeTree()));
    const all = await Promise.all([1, 2, 3].map(() => open(join(folder, 'store'), file)));
    expect(new Set(all.map(({ rootfs }) => rootfs?.directory)).size).toBe(1);
    expect(trees(join(folder, 'store')).length).toBe(1);
    expect(leftovers(join(folder, 'store'))).toEqual([]);
  });

  it('is unpacked without devices, which a plain user cannot create', async () => {
    const { rootfs } = await openEntries([
      { name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
      { name: 'dev/zero', type: 'link', linkname: 'dev/null' },
      { name: 'disk', type: 'block-device', devmajor: 7 },
      { name: 'x', bytes: 'x' },
    ]);
    expect(contentOf(rootfs?.directory ?? '')).toEqual({ x: 'x' });
  });

  it('with absolute names is unpacked below the tree', async () => {
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
    ['a name that leads out', () => [file('../../../outside/victim')]],
    ['a name that leads out through a directory', () => [file('a/b'), file('a/../../../../outside/victim')]],
    ['a file below an absolute link', (outside) => [link('a', outside), file('a/victim')]],
    [
      'a file below a relative link that leads out',
      (outside) => [link('a', `${far}${outside}`), file('a/victim')],
    ],
    ['a file below a chain of links', (o) => [link('a', `${far}${o}`), link('b', 'a'), file('b/victim')]],
    [
      'a folder below a link',
      (o) => [link('a', o), { name: 'a/new', type: 'directory' }, file('a/new/victim')],
    ],
    ['a link below a link', (outside) => [link('a', outside), link('a/victim', '/etc')]],
    ['a hard link to a file outside', (outside) => [hard('a', `${outside}/victim`), file('a')]],
    ['a relative hard link that leads out', (outside) => [hard('a', `${far}${outside}/victim`), file('a')]],
    ['a hard link below a link', (outside) => [link('d', outside), hard('a', 'd/victim'), file('a')]],
    [
      'a link in place of a folder',
      (o) => [{ name: 'a', type: 'directory' }, link('a', o), file('a/victim')],
    ],
    ['a file in place of its own folder', () => [file('a/b'), file('../tree/../../outside/victim')]],
  ])('with %s is refused without touching or leaving anything', async (_, entries) => {
    const outside = await fresh();
    writeFileSync(join(outside, 'victim'), 'untouched');
    const { error, store } = await openEntries(entries(outside));
    expect(error).toMatchObject({ code: 'BAD_PACKAGE', message: expect.stringContaining('root.tar') });
    expect(contentOf(outside)).toEqual({ victim: 'untouched' });
    expect(lstatSync(join(outside, 'victim')).nlink).toBe(1);
    expect([...leftovers(store), ...trees(store)]).toEqual([]);
  });

  it('that writes to a link does not write to its target', async () => {
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

  it('with entries that programs interpret differently is refused', async () => {
    // After a hard link with a size, GNU tar reads entries, other programs read the link's content.
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
    // Headers of 8 GiB each, without content.
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

  it('that is truncated leaves nothing', async () => {
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

describe('a file that is not a root file system', () => {
  it('is refused with the supported formats', async () => {
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

describe('unpacking that is aborted', () => {
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
  /** Starts unpacking, and returns once it is in progress. */
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
  /** Also ends when the child exits: the test then reports its output. */
  const until = async (child: ChildProcess, holds: () => boolean): Promise<void> => {
    while (!holds() && child.exitCode === null) await wait(5);
  };
  const hasBegun = (store: string) => () =>
    leftovers(store).some((name) => readdirSync(join(store, name, 'tree')).includes('noise'));

  it('leaves nothing when interrupted', async () => {
    const store = join(await fresh(), 'store');
    const { child, ended, result } = await begun(store);
    await until(child, hasBegun(store));
    child.kill('SIGINT');
    await ended;
    expect(result().error).toMatchObject({ code: 'INTERRUPTED' });
    expect([...leftovers(store), ...trees(store)]).toEqual([]);
  });

  it('when killed leaves no tree, and the next run removes the rest', async () => {
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
