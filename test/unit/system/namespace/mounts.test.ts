import { describe, expect, it } from 'vitest';
import { parseMountInfo, submountsOf } from '../../../../src/system/namespace/mounts.ts';

describe('parseMountInfo', () => {
  it('reads the example of proc_pid_mountinfo(5)', () => {
    const line = '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n';
    expect(parseMountInfo(line)).toEqual([
      {
        id: '36',
        parent: '35',
        mountPoint: '/mnt2',
        type: 'ext3',
        source: '/dev/root',
        device: '98:0',
        options: ['rw', 'noatime', 'errors=continue'],
      },
    ]);
  });

  it('accepts any number of optional fields', () => {
    const line = (fields: string) => `1 2 0:3 / /m rw ${fields}- tmpfs tmpfs ro`;
    for (const fields of ['', 'shared:1 ', 'shared:1 master:2 propagate_from:3 unbindable ']) {
      expect(parseMountInfo(line(fields))).toMatchObject([{ mountPoint: '/m', type: 'tmpfs' }]);
    }
  });

  it('distinguishes a read-only file system from its read-write mount', () => {
    expect(parseMountInfo('1 2 0:3 / /m rw - tmpfs tmpfs ro')[0]?.options).toContain('ro');
  });

  it('decodes spaces, tabs, newlines and backslashes of paths', () => {
    const [mount] = parseMountInfo(String.raw`1 2 0:3 / /a\040b\011c\012d\134e\043 rw - tmpfs no\040name rw`);
    expect(mount).toMatchObject({ mountPoint: '/a b\tc\nd\\e#', source: 'no name' });
  });

  it('accepts a mount without a source', () => {
    expect(parseMountInfo('1 2 0:3 / /m rw - tmpfs  rw')).toMatchObject([{ source: '', options: ['rw'] }]);
  });

  it('skips invalid lines', () => {
    expect(parseMountInfo('\nnonsense\n1 2 3\n1 2 0:3 / /m rw - \n - - -\n')).toEqual([]);
  });
});

describe('submountsOf', () => {
  const mountsOf = (...lines: readonly string[]) =>
    parseMountInfo(lines.map((line) => `${line} - tmpfs none rw`).join('\n'));

  it('finds all mounts below a directory with their flags, including files and nested ones', () => {
    const mounts = mountsOf(
      '1 0 0:1 / / rw',
      '2 1 0:2 / /a rw',
      String.raw`3 2 0:3 / /a/b\040\134c rw,nosuid,noatime`,
      String.raw`4 3 0:4 / /a/b\040\134c/d ro,nodev`,
      '5 1 0:5 / /ab rw',
    );
    expect(submountsOf('/a', mounts)).toEqual([
      { path: String.raw`b \c`, flags: ['nosuid'] },
      { path: String.raw`b \c/d`, flags: ['nodev', 'ro'] },
    ]);
    expect(submountsOf('/', mounts).map(({ path }) => path)).toEqual([
      'a',
      String.raw`a/b \c`,
      String.raw`a/b \c/d`,
      'ab',
    ]);
  });

  it('omits mounts that are covered by others', () => {
    const stacked = mountsOf('1 0 0:1 / / rw', '2 1 0:2 / /a/b rw', '3 2 0:3 / /a/b rw,noexec');
    expect(submountsOf('/a', stacked)).toEqual([{ path: 'b', flags: ['noexec'] }]);
    const above = mountsOf('1 0 0:1 / / rw', '2 1 0:2 / /a/b/c rw', '3 1 0:3 / /a/b rw');
    expect(submountsOf('/a', above)).toEqual([{ path: 'b', flags: [] }]);
    expect(submountsOf('/a/b', above)).toEqual([]);
  });

  it('works if the root of the process is not a mount', () => {
    const mounts = mountsOf('2 1 0:2 / /a rw', '3 2 0:3 / /a/b rw');
    expect(submountsOf('/a', mounts)).toEqual([{ path: 'b', flags: [] }]);
  });
});
