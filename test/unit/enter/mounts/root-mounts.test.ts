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
  it('has the devices of the host for root', () => {
    expect(at(firstMounts(facts), 'dev')).toEqual({
      source: '/dev',
      target: 'dev',
      type: 'none',
      options: ['bind'],
    });
  });

  it('has a folder of memory for devices where those may not be had', () => {
    expect(at(firstMounts(rootless), 'dev')).toMatchObject({ type: 'tmpfs' });
  });

  it('has /run and /tmp in memory, without devices and set-user-id programs', () => {
    for (const place of ['run', 'tmp'])
      expect(at(firstMounts(facts), place)).toMatchObject({
        type: 'tmpfs',
        options: expect.arrayContaining(['nosuid', 'nodev']),
      });
    expect(at(firstMounts(facts), 'tmp')?.options).toContain('mode=1777');
  });

  it.each([
    ['anew', facts, 'sysfs'],
    ['as that of the host where it may not be mounted', rootless, 'none'],
  ])('has /sys read-only, %s', (_, each, type) => {
    const sys = at(firstMounts(each), 'sys');
    expect(sys?.type).toBe(type);
    expect(sys?.options).toContain('ro');
  });

  it('keeps the flags that the host has /sys with', () => {
    const options = at(firstMounts({ ...rootless, sysFlags: ['nosuid', 'ro'] }), 'sys')?.options ?? [];
    expect(options).toEqual(['rbind', 'nosuid', 'nodev', 'noexec', 'ro']);
  });

  it('covers what is mounted below the /sys of the host, which would be as writable as there', () => {
    const bound = firstMounts({ ...rootless, sysMounts: ['fs/cgroup'] });
    expect(targets(bound).slice(-2)).toEqual(['sys', 'sys/fs/cgroup']);
    expect(bound.at(-1)).toMatchObject({ type: 'tmpfs', options: expect.arrayContaining(['ro', 'noexec']) });
    expect(targets(firstMounts({ ...facts, sysMounts: ['fs/cgroup'] }))).not.toContain('sys/fs/cgroup');
  });

  it('mounts nothing where the root has no place for it', () => {
    expect(firstMounts({ ...facts, places: {} })).toEqual([]);
    expect(secondMounts({ ...facts, places: {} })).toEqual([]);
  });

  it('mounts where the places really are', () => {
    expect(targets(firstMounts({ ...facts, places: { run: 'var/run' } }))).toEqual(['var/run']);
  });
});

describe('secondMounts', () => {
  it('has terminals and shared memory of its own', () => {
    expect(at(secondMounts(facts), 'dev/pts')?.options).toEqual(
      expect.arrayContaining(['newinstance', 'ptmxmode=0666', 'gid=5']),
    );
    expect(at(secondMounts(facts), 'dev/shm')).toMatchObject({ type: 'tmpfs' });
  });

  it('names no group for terminals that does not exist inside', () => {
    expect(at(secondMounts({ ...facts, hasTtyGroup: false }), 'dev/pts')?.options).not.toContain('gid=5');
  });

  it('has only harmless nodes of its own devices', () => {
    expect(targets(secondMounts(rootless))).toEqual(expect.arrayContaining(['dev/null', 'dev/tty']));
    expect(targets(secondMounts(facts))).not.toContain('dev/null');
  });

  it('has the terminal of the program as its console', () => {
    expect(at(secondMounts({ ...facts, terminal: '/dev/pts/7' }), 'dev/console')).toMatchObject({
      source: '/dev/pts/7',
      options: ['bind'],
    });
  });

  it('has a /proc of the new processes, or the one of the host', () => {
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

  it("has the machine's instance read-only", () => {
    expect(at(secondMounts({ ...facts, instance: 'machine' }), 'proc/sys/fs/binfmt_misc')).toEqual({
      source: '/proc/sys/fs/binfmt_misc',
      target: 'proc/sys/fs/binfmt_misc',
      type: 'none',
      options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec'],
    });
  });

  it('binds after all else, read-only with the flags that the source and its submounts have', () => {
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

// That mount(8) reads them back is tried in test/integration/fstab.test.ts.
describe('fstab', () => {
  it('has a line for each mount, with its target below the root', () => {
    expect(fstab([{ source: '/dev', target: 'dev', type: 'none', options: ['bind', 'ro'] }], '/r')).toBe(
      '/dev /r/dev none bind,ro 0 0\n',
    );
  });

  it('escapes what would end a field or a line', () => {
    expect(fstab([{ source: 'a b', target: 'c\td\ne\\f#g', type: 'none', options: ['bind'] }], '')).toBe(
      'a\\040b /c\\011d\\012e\\134f\\043g none bind 0 0\n',
    );
  });

  it('leaves characters of more than one byte as they are', () => {
    const target = 'a\u00a0b\u2003c\u3000d\ufeff';
    expect(fstab([{ source: 'x', target, type: 'none', options: ['bind'] }], '')).toBe(
      `x /${target} none bind 0 0\n`,
    );
  });
});
