import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasSeveralIds, hasTtyGroup, ownsRoot } from '../../src/rootfs/ids.ts';
import { type IdMaps, identityMap, parseIdMap, singleMap } from '../../src/system/namespace/id-maps.ts';
import { bundle } from './fixtures/bundle.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const folder = temporaryFolder();
let program = '';
beforeAll(async () => {
  program = await bundle('user-maps.ts', folder('user-maps.cjs'));
  mkdirSync(folder('tools'));
  for (const name of ['newuidmap', 'newgidmap']) writeFileSync(folder('tools', name), '', { mode: 0o755 });
});

interface Machine {
  readonly subuid?: string;
  readonly subgid?: string;
  /** True if newuidmap(1) and newgidmap(1) exist. */
  readonly tools?: boolean;
  readonly unreadable?: string;
  /** Owner of the entered root. */
  readonly owner?: readonly [uid: number, gid: number];
}

/** The maps of the caller `tester`, whose IDs are 0, with these files in /etc. */
function userMaps({ subuid, subgid, tools = true, unreadable, owner = [0, 0] }: Machine): {
  readonly maps: IdMaps;
  readonly warnings: readonly string[];
} {
  const etc = mkdtempSync(folder('etc-'));
  const files = { subuid, subgid, passwd: 'tester:x:0:0::/:/bin/sh\n' };
  for (const [name, text] of Object.entries(files))
    if (text !== undefined) writeFileSync(join(etc, name), text);
  if (unreadable !== undefined) chmodSync(join(etc, unreadable), 0);
  const script = [
    'for tool in $(command -v newuidmap newgidmap); do mount -n --bind /dev/null "$tool" || exit; done',
    'mount -n --bind "$0" /etc && PATH=$TOOLS:$PATH && exec "$@"',
  ].join('\n');
  const powerless = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--'];
  const words = [...powerless, process.execPath, program, ...owner.map(String)];
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', '--map-root-user', 'sh', '-c', script, etc, ...words],
    {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], TOOLS: tools ? folder('tools') : '/none' },
    },
  );
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const GIVEN = 'tester:100000:65536\n';
const both = { subuid: GIVEN, subgid: GIVEN };
const whole = [
  { inside: 0, outside: 0, count: 1 },
  { inside: 1, outside: 100000, count: 65536 },
];
const single = { uid: singleMap(0, 0), gid: singleMap(0, 0) };

describe('userMaps', () => {
  it("uses the caller's subordinate IDs, by name or number, and no others", () => {
    expect(userMaps(both)).toEqual({ maps: { uid: whole, gid: whole }, warnings: [] });
    const subuid = `other:1:5\n0:100000:65536\n`;
    expect(userMaps({ subuid, subgid: GIVEN })).toEqual({ maps: { uid: whole, gid: whole }, warnings: [] });
  });

  it('maps the first of them to root if the tree belongs to it, and the caller last', () => {
    const { maps } = userMaps({ ...both, owner: [100000, 100000] });
    expect(maps.uid).toEqual([
      { inside: 0, outside: 100000, count: 65536 },
      { inside: 65536, outside: 0, count: 1 },
    ]);
    expect(maps.gid).toEqual(maps.uid);
  });

  it.each([
    ['no files', {}],
    ['empty files', { subuid: '', subgid: '' }],
    ['IDs of other users', { subuid: 'other:1:5\n', subgid: 'other:1:5\n' }],
    ['no groups', { subuid: GIVEN }],
    ['no users', { subgid: GIVEN }],
  ])('maps only the caller with %s, and reports the limits and a fix', (_, machine) => {
    const { maps, warnings } = userMaps(machine);
    expect(maps).toEqual(single);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^no subordinate IDs: apt and su fail; as root, run `usermod -v (\d+-\d+) -w \1 tester`$/,
      ),
    ]);
  });

  it('suggests IDs that no other user has', () => {
    expect(userMaps({}).warnings).toEqual([
      expect.stringContaining('-v 100000-165535 -w 100000-165535 tester`'),
    ]);
    const { warnings } = userMaps({ subuid: 'one:100000:65536\n', subgid: 'other:300000:65536\n' });
    expect(warnings).toEqual([expect.stringContaining('-v 365536-431071 -w 365536-431071 tester`')]);
  });

  it.each(['subuid', 'subgid'])('maps only the caller if /etc/%s cannot be read', (unreadable) => {
    const { maps, warnings } = userMaps({ ...both, unreadable });
    expect(maps).toEqual(single);
    expect(warnings).toEqual([
      expect.stringMatching(
        `^cannot read /etc/${unreadable} \\(EACCES\\): .*as root, make the file readable for all users$`,
      ),
    ]);
  });

  it('maps only the caller without newuidmap and newgidmap', () => {
    const { maps, warnings } = userMaps({ ...both, tools: false });
    expect(maps).toEqual(single);
    expect(warnings).toEqual([expect.stringMatching(/^newuidmap or newgidmap not found: .*uidmap/)]);
  });
});

describe('id maps', () => {
  const maps = { uid: whole, gid: whole };

  it('tell whether the owner of a root is mapped', () => {
    expect([0, 1, 99999, 100000, 165535, 165536].map((id) => ownsRoot(maps, id))).toEqual([
      ...[true, false, false, true, true, false],
    ]);
  });

  it('tell whether several IDs and the group of terminals are mapped', () => {
    expect([hasSeveralIds(maps), hasTtyGroup(maps)]).toEqual([true, true]);
    expect([hasSeveralIds(single), hasTtyGroup(single)]).toEqual([false, false]);
    expect(hasSeveralIds({ ...maps, gid: single.gid })).toBe(false);
  });

  it.each(['uid', 'gid'])('are read from the %s map of a namespace', (kind) => {
    const show = (...flags: string[]) =>
      parseIdMap(
        spawnSync('unshare', [...flags, 'cat', `/proc/self/${kind}_map`], { encoding: 'utf8' }).stdout,
      );
    const own = kind === 'uid' ? process.geteuid?.() : process.getegid?.();
    expect(show('--user', '--map-root-user')).toEqual(singleMap(own ?? 0, 0));
    expect(show('--user', '--map-user=7', '--map-group=7')).toEqual(singleMap(own ?? 0, 7));
    expect(show('--user')).toEqual([]);
    const here = parseIdMap(readFileSync(`/proc/self/${kind}_map`, 'utf8'));
    expect(identityMap(here).map(({ inside, outside }) => inside - outside)).toEqual(here.map(() => 0));
  });
});
