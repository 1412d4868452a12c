/** `store list` and `store prune`: the contents, their users, and that nothing in use is removed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { type TarEntry, tar } from '../integration/fixtures/deb.ts';
import { binfmtctl, documentOf, inShell } from './support/command.ts';
import {
  emulatorFolder,
  registerForeign,
  removeAllEntries,
  switchEntry,
  temporaryFolder,
} from './support/machine.ts';
import { asSubordinate, USER } from './support/subordinate.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
const source = ['--source', `dir:${emulatorFolder()}`];
const archive = join(folder, 'tree.tar');

interface Item {
  readonly kind: string;
  readonly name: string | null;
  readonly path: string;
  readonly size: number;
  readonly usedBy: readonly string[];
  readonly unknown: string | null;
}
interface Pruned {
  readonly removed: readonly Item[];
  readonly kept: readonly Item[];
}

const list = async (): Promise<readonly Item[]> =>
  (await documentOf<{ items: readonly Item[] }>(['store', 'list', '--store', store])).items;
const prune = (...words: readonly string[]) =>
  documentOf<Pruned>(['store', 'prune', ...words, '--store', store]);
const install = (...arches: readonly string[]) =>
  documentOf(['install', ...arches, ...source, '--store', store]);
const enter = (script: string) => [
  'enter',
  archive,
  '--store',
  store,
  '--quiet',
  '--',
  '/bin/sh',
  '-c',
  script,
];

/** Starts a session that reports its start, and ends with its standard input. */
async function startSession() {
  const words = ['dist/cli.cjs', ...enter('echo inside; read -r _')];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    end: async () => {
      child.stdin.end();
      await once(child, 'close');
    },
  };
}

/** Archive entries of a root with a shell. */
const TREE: TarEntry[] = [];

beforeAll(async () => {
  const [busybox = ''] = unpackPackages('busybox-static');
  const bytes = readFileSync(join(busybox, 'bin/busybox'));
  const folders = ['bin', 'dev', 'etc', 'proc', 'run', 'sys', 'tmp'].map((name) => ({
    name: `${name}/`,
    type: 'directory' as const,
  }));
  TREE.push(...folders, { name: 'bin/sh', mode: 0o755, bytes });
  writeFileSync(archive, await tar(TREE));
});

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

describe('store prune', () => {
  it('keeps the emulators of registrations and removes others', async () => {
    await install('riscv64', 's390x');
    await documentOf(['uninstall', 's390x', '--store', store]);
    const would = await prune('--dry-run');
    expect((await list()).map(({ name }) => name).sort()).toEqual(['qemu-riscv64', 'qemu-s390x']);
    const pruned = await prune();
    expect(pruned.removed).toMatchObject([{ kind: 'emulator', name: 'qemu-s390x', usedBy: [] }]);
    expect(would.removed).toEqual(pruned.removed);
    expect(pruned.kept).toMatchObject([{ name: 'qemu-riscv64', usedBy: ['entry qemu-riscv64'] }]);
    expect(await list()).toEqual(pruned.kept);
  });

  it('keeps an emulator that an entry of another program names, and the target of a link', async () => {
    await install('riscv64');
    const [emulator] = await list();
    await documentOf(['uninstall', 'riscv64', '--store', store]);
    registerForeign(`:foreign:E::binfmtctl-foreign::${emulator?.path}:`);
    expect((await prune()).kept).toMatchObject([{ usedBy: ['entry foreign'] }]);
    switchEntry('foreign', 'gone');
    const link = join(folder, 'link');
    symlinkSync(emulator?.path ?? '', link);
    registerForeign(`:linked:E::binfmtctl-linked::${link}:`);
    expect((await prune()).kept).toMatchObject([{ usedBy: ['entry linked'] }]);
    switchEntry('linked', 'gone');
    expect((await prune()).removed).toMatchObject([{ path: emulator?.path }]);
    expect(existsSync(dirname(emulator?.path ?? ''))).toBe(false);
  });

  it('keeps an emulator that a process runs', async () => {
    const held = join(folder, 'cat');
    copyFileSync('/bin/cat', held);
    await install('riscv64');
    const [emulator] = await list();
    await documentOf(['uninstall', 'riscv64', '--store', store]);
    copyFileSync(held, emulator?.path ?? '');
    const child = spawn(emulator?.path ?? '', [], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.write('running');
    await once(child.stdout, 'data');
    expect((await prune()).kept).toMatchObject([
      { usedBy: [expect.stringMatching(`^process ${child.pid} `)] },
    ]);
    child.stdin.end();
    await once(child, 'close');
    expect((await prune()).kept).toEqual([]);
  });

  it('removes no emulator while a registration is damaged, and reports why', async () => {
    await install('riscv64', 's390x');
    await documentOf(['uninstall', 's390x', '--store', store]);
    const damaged = join(store, 'registrations/qemu-riscv64.json');
    writeFileSync(damaged, '{');
    const { removed, kept } = await prune();
    expect([removed, kept.map(({ unknown }) => unknown)]).toEqual([
      [],
      [`${damaged} is damaged`, `${damaged} is damaged`],
    ]);
  });

  it('keeps a tree while a session uses it, and removes it afterwards', async () => {
    const session = await startSession();
    try {
      expect(await list()).toMatchObject([
        { kind: 'tree', name: archive, usedBy: expect.arrayContaining(['a session']) },
      ]);
      expect((await prune()).removed).toEqual([]);
      const { stdout } = await binfmtctl(['store', 'prune', '--store', store]);
      expect(stdout).toContain(`kept tree ${archive}: a session`);
    } finally {
      await session.end();
    }
    expect((await prune()).removed).toMatchObject([{ kind: 'tree', name: archive }]);
    expect(readdirSync(join(store, 'roots'))).toEqual(['lock']);
    expect(await binfmtctl(enter('echo again'))).toMatchObject({ status: 0, stdout: 'again\n' });
  });

  it('keeps a tree with a mount below it, whose files would be removed', async () => {
    await binfmtctl(enter('true'));
    const [tree] = await list();
    const precious = join(folder, 'precious');
    mkdirSync(precious);
    writeFileSync(join(precious, 'file'), '');
    const target = `${tree?.path}/tree/tmp`;
    const within = inShell(`mount --bind ${precious} ${target}`);
    const ran = await binfmtctl(['store', 'prune', '--store', store], { within });
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining(`: the mount ${target}\n`) });
    expect([existsSync(join(precious, 'file')), existsSync(target)]).toEqual([true, true]);
  });

  it('removes a tree of an older version, which has no source and no lock', async () => {
    await binfmtctl(enter('true'));
    const [tree] = await list();
    rmSync(join(tree?.path ?? '', 'use.json'));
    expect(await list()).toMatchObject([{ name: null, usedBy: [] }]);
    expect((await prune()).removed).toMatchObject([{ name: null, path: tree?.path }]);
  });
});

describe('store prune of a plain user', () => {
  it('removes a tree whose files belong to subordinate IDs, and counts their size', async () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    chownSync(home, USER, USER);
    const closed = join(folder, 'closed.tar');
    const private_ = { name: 'closed/', type: 'directory', mode: 0o700, uid: 5, gid: 5 } as const;
    const file = { name: 'closed/file', mode: 0o600, uid: 5, gid: 5, bytes: 'x'.repeat(1_000_000) };
    writeFileSync(closed, await tar([...TREE, private_, file]));
    const subordinate = join(folder, 'subordinate');
    mkdirSync(subordinate);
    const within = asSubordinate(subordinate);
    const own = ['--store', join(home, 'store')];
    const inside = ['enter', closed, ...own, '--quiet', '--', '/bin/sh', '-c', 'true'];
    expect(await binfmtctl(inside, { within })).toMatchObject({ status: 0, stderr: '' });
    const { items } = await documentOf<{ items: readonly Item[] }>(['store', 'list', ...own], { within });
    expect(items).toMatchObject([{ name: closed, usedBy: [], unknown: null }]);
    expect(items[0]?.size).toBeGreaterThan(1_000_000);
    const { removed } = await documentOf<Pruned>(['store', 'prune', ...own], { within });
    expect(removed).toMatchObject([{ name: closed }]);
    expect(readdirSync(join(home, 'store/roots'))).toEqual(['lock']);
  });
});

describe('uninstall --purge', () => {
  it('reports that unpacked trees are kept, and how to remove them', async () => {
    await binfmtctl(enter('true'));
    const { stdout } = await binfmtctl(['uninstall', '--all', '--purge', '--store', store]);
    expect(stdout).toContain(
      `1 unpacked tree stays in the store: \`binfmtctl store prune --store ${store}\` removes what no session uses\n`,
    );
    expect((await list()).length).toBe(1);
  });
});
