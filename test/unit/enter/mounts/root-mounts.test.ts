import { describe, expect, it } from 'vitest';
import {
  firstMounts,
  fstab,
  type RootMount,
  secondMounts,
} from '../../../../src/enter/mounts/root-mounts.ts';
import { facts } from '../script/scripts.ts';

const at = (mounts: readonly RootMount[], target: string): RootMount | undefined =>
  mounts.find((mount) => mount.target === target);
const targets = (mounts: readonly RootMount[]): readonly string[] => mounts.map(({ target }) => target);
const rootless = { ...facts, userNamespace: true, realDevices: false, sysOfHost: true };

describe('firstMounts', () => {
  it("mounts the host's devices for root", () => {
    expect(at(firstMounts(facts), 'dev')).toEqual({
      source: '/dev',
      target: 'dev',
      type: 'none',
      options: ['bind'],
    });
  });

  it("mounts a tmpfs on /dev if the host's devices are not permitted", () => {
    expect(at(firstMounts(rootless), 'dev')).toMatchObject({ type: 'tmpfs' });
  });

  it('mounts a tmpfs on /run and /tmp, without devices and set-user-ID programs', () => {
    for (const place of ['run', 'tmp'])
      expect(at(firstMounts(facts), place)).toMatchObject({
        type: 'tmpfs',
        options: expect.arrayContaining(['nosuid', 'nodev']),
      });
    expect(at(firstMounts(facts), 'tmp')?.options).toContain('mode=1777');
  });

  it.each([
    ['as a new sysfs', facts, 'sysfs'],
    ["as the host's, if a new one is not permitted", rootless, 'none'],
  ])('mounts /sys read-only, %s', (_, each, type) => {
    const sys = at(firstMounts(each), 'sys');
    expect(sys?.type).toBe(type);
    expect(sys?.options).toContain('ro');
  });

  it("keeps the flags of the host's /sys", () => {
    const options = at(firstMounts({ ...rootless, sysFlags: ['nosuid', 'ro'] }), 'sys')?.options ?? [];
    expect(options).toEqual(['rbind', 'nosuid', 'nodev', 'noexec', 'ro']);
  });

  it("covers mounts below the host's /sys, which would be writable", () => {
    const bound = firstMounts({ ...rootless, sysMounts: ['fs/cgroup'] });
    expect(targets(bound).slice(-2)).toEqual(['sys', 'sys/fs/cgroup']);
    expect(bound.at(-1)).toMatchObject({ type: 'tmpfs', options: expect.arrayContaining(['ro', 'noexec']) });
    expect(targets(firstMounts({ ...facts, sysMounts: ['fs/cgroup'] }))).not.toContain('sys/fs/cgroup');
  });

  it('mounts nothing without a mount point in the root', () => {
    expect(firstMounts({ ...facts, places: {} })).toEqual([]);
    expect(secondMounts({ ...facts, places: {} })).toEqual([]);
  });

  it('resolves links to mount points', () => {
    expect(targets(firstMounts({ ...facts, places: { run: 'var/run' } }))).toEqual(['var/run']);
  });
});

describe('secondMounts', () => {
  it('mounts a new /dev/pts and /dev/shm', () => {
    expect(at(secondMounts(facts), 'dev/pts')?.options).toEqual(
      expect.arrayContaining(['newinstance', 'ptmxmode=0666', 'gid=5']),
    );
    expect(at(secondMounts(facts), 'dev/shm')).toMatchObject({ type: 'tmpfs' });
  });

  it('sets no group of terminals if it is not mapped', () => {
    expect(at(secondMounts({ ...facts, hasTtyGroup: false }), 'dev/pts')?.options).not.toContain('gid=5');
  });

  it('binds only harmless device nodes', () => {
    expect(targets(secondMounts(rootless))).toEqual(expect.arrayContaining(['dev/null', 'dev/tty']));
    expect(targets(secondMounts(facts))).not.toContain('dev/null');
  });

  it("binds the program's terminal on /dev/console", () => {
    expect(at(secondMounts({ ...facts, terminal: '/dev/pts/7' }), 'dev/console')).toMatchObject({
      source: '/dev/pts/7',
      options: ['bind'],
    });
  });

  it("mounts a new /proc, or the host's", () => {
    expect(at(secondMounts(facts), 'proc')?.type).toBe('proc');
    expect(at(secondMounts({ ...facts, procOfHost: true }), 'proc')).toMatchObject({
      source: '/proc',
      options: ['rbind'],
    });
  });

  it('mounts an instance on the new /proc', () => {
    const found = targets(secondMounts({ ...facts, instance: 'private' }));
    expect(found.indexOf('proc/sys/fs/binfmt_misc')).toBeGreaterThan(found.indexOf('proc'));
    expect(targets(secondMounts(facts))).not.toContain('proc/sys/fs/binfmt_misc');
  });

  it("mounts the machine's instance read-only", () => {
    expect(at(secondMounts({ ...facts, instance: 'machine' }), 'proc/sys/fs/binfmt_misc')).toEqual({
      source: '/proc/sys/fs/binfmt_misc',
      target: 'proc/sys/fs/binfmt_misc',
      type: 'none',
      options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec'],
    });
  });

  it('mounts binds last, read-only ones with the flags of the source and its submounts', () => {
    const bind = {
      ...{ source: '/a', target: 'proc/x', directory: true, readOnly: true, flags: ['nodev'] },
      submounts: [{ path: 'b c', flags: ['ro', 'nosuid'] }],
    };
    const file = { ...bind, source: '/b', target: 'y', directory: false, readOnly: false };
    expect(secondMounts({ ...facts, binds: [bind, file] }).slice(-4)).toEqual([
      { source: '/a', target: 'proc/x', type: 'none', options: ['rbind'] },
      {
        source: 'binfmtctl-remount',
        target: 'proc/x',
        type: 'none',
        options: ['remount', 'bind', 'ro', 'nodev'],
      },
      {
        source: 'binfmtctl-remount',
        target: 'proc/x/b c',
        type: 'none',
        options: ['remount', 'bind', 'ro', 'nosuid'],
      },
      { source: '/b', target: 'y', type: 'none', options: ['bind'] },
    ]);
  });
});

// test/integration/fstab.test.ts checks that mount(8) reads these lines.
describe('fstab', () => {
  it('writes one line per mount, with its target below the root', () => {
    expect(fstab([{ source: '/dev', target: 'dev', type: 'none', options: ['bind', 'ro'] }], '/r')).toBe(
      '/dev /r/dev none bind,ro 0 0\n',
    );
  });

  it('escapes characters that would end a field or a line', () => {
    expect(fstab([{ source: 'a b', target: 'c\td\ne\\f#g', type: 'none', options: ['bind'] }], '')).toBe(
      'a\\040b /c\\011d\\012e\\134f\\043g none bind 0 0\n',
    );
  });

  it('does not change multi-byte characters', () => {
    const target = 'a\u00a0b\u2003c\u3000d\ufeff';
    expect(fstab([{ source: 'x', target, type: 'none', options: ['bind'] }], '')).toBe(
      `x /${target} none bind 0 0\n`,
    );
  });
});
