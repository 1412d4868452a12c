import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FindRequest, findCandidates, findHeldByEntries } from '../../src/emulators/finder.ts';
import { parseHex } from '../../src/rule/hex.ts';
import type { Entry } from '../../src/rule/types.ts';
import { QEMU } from './fixtures/profile.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
const AARCH64 = parseHex('7f454c460201010000000000000000000200b700') ?? new Uint8Array();

const request = (change: Partial<FindRequest>): FindRequest => ({
  guest: 'aarch64',
  head: AARCH64,
  profiles: [QEMU],
  entries: [],
  stored: [],
  path: [],
  root: at('nothing'),
  ...change,
});

/** Creates an executable file. */
async function program(...parts: string[]): Promise<string> {
  const path = at(...parts);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, path);
  await chmod(path, 0o755);
  return path;
}

const entryFor = (interpreter: string, change: Partial<Entry> = {}): Entry => ({
  name: 'some',
  pattern: { type: 'magic', offset: 0, magic: AARCH64, mask: null },
  interpreter,
  flags: ['F'],
  enabled: true,
  ...change,
});

describe('findCandidates', () => {
  it('prefers the store to distributions, and those to PATH and entries', async () => {
    const root = at('order');
    const paths = [
      await program('order/store/qemu-aarch64'),
      await program('order/usr/bin/qemu-aarch64-static'),
      await program('order/usr/bin/qemu-aarch64'),
      await program('order/path/qemu-aarch64'),
      await program('order/gone/qemu-aarch64-static'),
    ];
    const found = await findCandidates(
      request({
        root,
        stored: [{ path: paths[0] ?? '', sha256: '0'.repeat(64), name: 'qemu-aarch64', size: 1 }],
        path: [join(root, 'path'), 'relative', ''],
        entries: [entryFor(paths[4] ?? '')],
      }),
    );
    const origins = found.map(({ path, origin }) => [path, origin]);
    expect(origins[0]).toEqual([paths[0], 'store']);
    expect(
      origins
        .slice(1, 3)
        .map(([path]) => path)
        .sort(),
    ).toEqual(paths.slice(1, 3).sort());
    expect(origins.slice(3)).toEqual([
      [paths[3], 'PATH'],
      [paths[4], 'entry'],
    ]);
  });

  it('returns a file once, even if several links lead to it', async () => {
    const path = await program('links/usr/bin/qemu-aarch64-static');
    await symlink('qemu-aarch64-static', at('links/usr/bin/qemu-aarch64'));
    const found = await findCandidates(request({ root: at('links'), path: [dirname(path)] }));
    expect(found).toHaveLength(1);
  });

  it('ignores directories, dangling links, other names and entries of another arch', async () => {
    await mkdir(at('odd/usr/bin/qemu-aarch64-static'), { recursive: true });
    await symlink('/nowhere', at('odd/usr/bin/qemu-aarch64'));
    const other = await program('odd/usr/bin/qemu-arm-static');
    const relative = entryFor('qemu-aarch64');
    expect(
      await findCandidates(
        request({
          root: at('odd'),
          entries: [
            relative,
            entryFor(other),
            entryFor(await program('odd/x/qemu-aarch64'), {
              pattern: { type: 'magic', offset: 0, magic: Uint8Array.of(1), mask: null },
            }),
          ],
        }),
      ),
    ).toEqual([]);
  });
});

describe('findHeldByEntries', () => {
  it('returns only enabled entries with F whose file is gone', async () => {
    const there = await program('held/qemu-aarch64');
    const gone = entryFor(at('held/gone/qemu-aarch64'), { name: 'gone' });
    const entries = [
      gone,
      entryFor(there, { name: 'there' }),
      { ...gone, name: 'plain', flags: [] },
      { ...gone, name: 'off', enabled: false },
    ];
    expect((await findHeldByEntries(request({ entries }))).map(({ entry }) => entry)).toEqual(['gone']);
  });
});
