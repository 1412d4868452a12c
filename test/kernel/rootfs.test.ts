import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../integration/fixtures/bundle.ts';
import { type TarEntry, tar } from '../integration/fixtures/deb.ts';
import { addImage, newContent, writeLayout } from '../integration/fixtures/image.ts';
import { leftovers, trees } from '../integration/fixtures/rootfs.ts';
import { temporaryFolder } from './support/machine.ts';
import { asSubordinate, MAPS, SUBORDINATE, USER } from './support/subordinate.ts';

const folder = temporaryFolder();
const home = join(folder, 'home');
let program = '';
let user: readonly string[] = [];
beforeAll(async () => {
  mkdirSync(home);
  chownSync(home, USER, USER);
  program = await bundle('open-once.ts', join(folder, 'open-once.cjs'));
  user = asSubordinate(folder);
});

interface Result {
  readonly rootfs?: { readonly directory: string };
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
  readonly reports: readonly string[];
}
let count = 0;
const newStore = (): string => join(home, `store-${count++}`);
const command = (store: string, path: string, maps: object = MAPS): [string, ...string[]] => [
  ...(user as [string]),
  process.execPath,
  program,
  store,
  JSON.stringify(maps),
  '',
  path,
];

function open(store: string, path: string, maps?: object): Result {
  const [file, ...args] = command(store, path, maps);
  const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Result;
}

async function archive(entries: readonly TarEntry[]): Promise<string> {
  const path = join(folder, `${count++}.tar`);
  writeFileSync(path, await tar(entries));
  return path;
}

/** As seen from the host. */
function ownerOf(path: string): string {
  const { uid, gid, mode } = lstatSync(path);
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
}
const inside = (id: number): number => (id === 0 ? USER : SUBORDINATE.first + id - 1);

const TREE: readonly TarEntry[] = [
  { name: './', type: 'directory', uid: 0, gid: 0, mode: 0o755 },
  { name: 'su', bytes: 'su', uid: 0, gid: 0, mode: 0o4755 },
  { name: 'mail', bytes: 'mail', uid: 0, gid: 8, mode: 0o2755 },
  { name: 'www', type: 'directory', uid: 33, gid: 33, mode: 0o700 },
  { name: 'www/secret', bytes: 'x', uid: 33, gid: 44, mode: 0o200 },
  { name: 'link', type: 'symlink', linkname: 'www', uid: 33, gid: 33 },
  { name: 'nobody', bytes: 'x', uid: 65_534, gid: 65_534, mode: 0o644 },
];

describe('a tree that a plain user unpacks', () => {
  it("belongs to the user's IDs, with set-user-ID bits", async () => {
    const { rootfs, error } = open(newStore(), await archive(TREE));
    expect(error).toBeUndefined();
    const at = (name: string): string => ownerOf(join(rootfs?.directory ?? '', name));
    expect(at('.')).toBe(`${USER}:${USER} 755`);
    expect(at('su')).toBe(`${USER}:${USER} 4755`);
    expect(at('mail')).toBe(`${USER}:${inside(8)} 2755`);
    expect(at('www')).toBe(`${inside(33)}:${inside(33)} 700`);
    expect(at('www/secret')).toBe(`${inside(33)}:${inside(44)} 200`);
    expect(at('link')).toBe(`${inside(33)}:${inside(33)} 777`);
    expect(at('nobody')).toBe(`${inside(65_534)}:${inside(65_534)} 644`);
    expect(ownerOf(join(rootfs?.directory ?? '', '..'))).toBe(`${USER}:${USER} 700`);
  });

  it('is cached by ID maps', async () => {
    const path = await archive(TREE);
    const store = newStore();
    const { rootfs } = open(store, path);
    expect(open(store, path)).toMatchObject({ rootfs, reports: [] });
    const only = [{ inside: 0, outside: USER, count: 1 }];
    const alone = open(store, path, { uid: only, gid: only });
    expect(alone.error).toBeUndefined();
    expect(alone.rootfs?.directory).not.toBe(rootfs?.directory);
    expect(ownerOf(join(alone.rootfs?.directory ?? '', 'www/secret'))).toBe(`${USER}:${USER} 200`);
    expect(ownerOf(join(alone.rootfs?.directory ?? '', 'su'))).toBe(`${USER}:${USER} 4755`);
  });

  it('with unmapped owners is refused and leaves nothing', async () => {
    const store = newStore();
    const path = await archive([...TREE, { name: 'far', bytes: 'x', uid: 70_000, gid: 70_000 }]);
    expect(open(store, path).error).toMatchObject({
      code: 'NO_PRIVILEGE',
      message: expect.stringMatching(/far: .*70000/),
      hint: expect.stringContaining('/etc/subuid'),
    });
    expect([...leftovers(store), ...trees(store)]).toEqual([]);
  });

  it('that is hostile is refused and leaves nothing', async () => {
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    chownSync(outside, USER, USER);
    for (const last of ['../../../outside/new', 'out/new']) {
      const store = newStore();
      const entries = [...TREE, { name: 'out', type: 'symlink', linkname: outside } as const];
      expect(open(store, await archive([...entries, { name: last, bytes: 'x' }])).error).toMatchObject({
        code: 'BAD_PACKAGE',
      });
      expect([...leftovers(store), ...trees(store), ...readdirSync(outside)]).toEqual([]);
    }
  });

  it('of an image loses files that upper layers remove, whoever owns them', async () => {
    const content = newContent();
    const whiteouts = [
      { name: '.wh.mail', bytes: '' },
      { name: 'www/.wh..wh..opq', bytes: '' },
      { name: 'nobody', type: 'directory' as const, uid: 7, gid: 7 },
    ];
    const manifest = await addImage(content, [{ entries: TREE }, { entries: whiteouts }]);
    const layout = await writeLayout(join(folder, 'image'), content, [manifest]);
    const { rootfs, error } = open(newStore(), layout);
    expect(error).toBeUndefined();
    const tree = rootfs?.directory ?? '';
    expect(readdirSync(tree).toSorted()).toEqual(['link', 'nobody', 'su', 'www']);
    expect(readdirSync(join(tree, 'www'))).toEqual([]);
    expect(ownerOf(join(tree, 'www'))).toBe(`${inside(33)}:${inside(33)} 700`);
    expect(ownerOf(join(tree, 'nobody'))).toBe(`${inside(7)}:${inside(7)} 755`);
  });

  it('is removed by the next run after a kill', async () => {
    const noise = Array.from({ length: 100 }, (_, index): TarEntry => {
      return { name: `noise/${index}`, bytes: Buffer.alloc(1 << 20, index), uid: 33, gid: 33 };
    });
    const path = await archive([
      { name: 'noise', type: 'directory', uid: 33, gid: 33, mode: 0o700 },
      ...noise,
    ]);
    const store = newStore();
    const [file, ...args] = command(store, path);
    const child = spawn(file, args, { stdio: 'ignore' });
    const ended = once(child, 'close');
    const hasBegun = () =>
      leftovers(store).some((name) => {
        const tree = join(store, name, 'tree/noise');
        return lstatSync(tree, { throwIfNoEntry: false }) !== undefined && readdirSync(tree).length > 3;
      });
    while (!hasBegun() && child.exitCode === null) await wait(5);
    child.kill('SIGKILL');
    await ended;
    expect([leftovers(store).length, trees(store).length]).toEqual([1, 0]);
    expect(open(store, path)).toMatchObject({ rootfs: { unpacked: true } });
    expect([leftovers(store).length, trees(store).length]).toEqual([0, 1]);
  });
});
