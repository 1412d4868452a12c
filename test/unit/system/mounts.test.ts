import { describe, expect, it } from 'vitest';
import { parseMountInfo } from '../../../src/system/mounts.ts';

describe('parseMountInfo', () => {
  it('reads the example of proc_pid_mountinfo(5)', () => {
    const line = '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n';
    expect(parseMountInfo(line)).toEqual([
      {
        mountPoint: '/mnt2',
        type: 'ext3',
        source: '/dev/root',
        device: '98:0',
        options: ['rw', 'noatime', 'errors=continue'],
      },
    ]);
  });

  it('takes any number of optional fields', () => {
    const line = (fields: string) => `1 2 0:3 / /m rw ${fields}- tmpfs tmpfs ro`;
    for (const fields of ['', 'shared:1 ', 'shared:1 master:2 propagate_from:3 unbindable ']) {
      expect(parseMountInfo(line(fields))).toMatchObject([{ mountPoint: '/m', type: 'tmpfs' }]);
    }
  });

  it('tells a read-only file system from its read-write mount', () => {
    expect(parseMountInfo('1 2 0:3 / /m rw - tmpfs tmpfs ro')[0]?.options).toContain('ro');
  });

  it('decodes spaces, tabs, newlines and backslashes of paths', () => {
    const [mount] = parseMountInfo(String.raw`1 2 0:3 / /a\040b\011c\012d\134e\043 rw - tmpfs no\040name rw`);
    expect(mount).toMatchObject({ mountPoint: '/a b\tc\nd\\e#', source: 'no name' });
  });

  it('takes a mount without a source', () => {
    expect(parseMountInfo('1 2 0:3 / /m rw - tmpfs  rw')).toMatchObject([{ source: '', options: ['rw'] }]);
  });

  it('passes over what is no line of mountinfo', () => {
    expect(parseMountInfo('\nnonsense\n1 2 3\n1 2 0:3 / /m rw - \n - - -\n')).toEqual([]);
  });
});
