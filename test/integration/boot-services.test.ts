/** Boot services, detected from Debian's systemd units and the links that systemctl creates. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { readBootFacts } from '../../src/boot/services.ts';
import { parseMountInfo } from '../../src/system/namespace/mounts.ts';

const folder = mkdtempSync(join(tmpdir(), 'binfmtctl-boot-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [systemd = ''] = unpackPackages('systemd');
let root = '';
let count = 0;

function write(path: string, text = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function link(path: string, target: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(target, join(root, path));
}

const stateOf = (name: string, mounts: Parameters<typeof readBootFacts>[0] = {}): string | undefined =>
  readBootFacts({ mounts: [], root, ...mounts }).services.find((service) => service.name === name)?.state;

beforeEach(() => {
  root = join(folder, `${count++}`);
  mkdirSync(root);
});

describe('systemd', () => {
  const UNIT = 'systemd-binfmt.service';
  const ETC = 'etc/systemd/system';

  beforeEach(() => {
    mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
    cpSync(join(systemd, 'lib/systemd/system'), join(root, 'lib/systemd/system'), { recursive: true });
  });

  it("has systemd-binfmt enabled with Debian's default links", () => {
    expect(readBootFacts({ root }).init).toBe('systemd');
    expect(stateOf(UNIT)).toBe('enabled');
  });

  it('agrees with systemctl on a mask', () => {
    execFileSync('systemctl', ['--root', root, 'mask', UNIT], { stdio: 'ignore' });
    expect(stateOf(UNIT)).toBe('masked');
    execFileSync('systemctl', ['--root', root, 'unmask', UNIT], { stdio: 'ignore' });
    expect(stateOf(UNIT)).toBe('enabled');
  });

  it('treats an empty unit file as a mask', () => {
    write(`${ETC}/${UNIT}`);
    expect(stateOf(UNIT)).toBe('masked');
  });

  it('requires a link from a target, such as one of systemctl add-wants', () => {
    unlinkSync(join(root, `lib/systemd/system/sysinit.target.wants/${UNIT}`));
    expect(stateOf(UNIT)).toBe('disabled');
    execFileSync('systemctl', ['--root', root, 'add-wants', 'sysinit.target', UNIT], { stdio: 'ignore' });
    expect(stateOf(UNIT)).toBe('enabled');
  });

  it('ignores a dependency that /etc links to /dev/null', () => {
    link(`${ETC}/sysinit.target.wants/${UNIT}`, '/dev/null');
    expect(stateOf(UNIT)).toBe('disabled');
  });

  it('requires a unit or a line of fstab that mounts binfmt_misc', () => {
    link(`${ETC}/proc-sys-fs-binfmt_misc.automount`, '/dev/null');
    expect(stateOf(UNIT)).toBe('unmounted');
    write('etc/fstab', 'binfmt_misc /proc/sys/fs/binfmt_misc binfmt_misc defaults 0 0\n');
    expect(stateOf(UNIT)).toBe('enabled');
  });

  it('requires a writable /proc/sys, as the automount unit does', () => {
    const mounts = parseMountInfo('2 1 0:1 / /proc/sys ro - proc proc rw');
    expect(stateOf(UNIT, { mounts })).toBe('read-only');
  });

  it('finds binfmt-support if its package enabled it', () => {
    expect(stateOf('binfmt-support.service')).toBe('missing');
    write('lib/systemd/system/binfmt-support.service', '[Unit]\n');
    expect(stateOf('binfmt-support.service')).toBe('disabled');
    link(
      `${ETC}/multi-user.target.wants/binfmt-support.service`,
      '/lib/systemd/system/binfmt-support.service',
    );
    expect(stateOf('binfmt-support.service')).toBe('enabled');
  });
});

describe('systemd that is installed but does not run', () => {
  it('registers nothing', () => {
    cpSync(join(systemd, 'lib/systemd/system'), join(root, 'lib/systemd/system'), { recursive: true });
    expect(readBootFacts({ root, mounts: [] })).toMatchObject({ init: null, services: [] });
  });
});

describe('OpenRC', () => {
  it('registers rules if its service is in a runlevel of a normal boot', () => {
    write('run/openrc/softlevel', 'default\n');
    expect(stateOf('binfmt')).toBe('missing');
    write('etc/init.d/binfmt', '#!/sbin/openrc-run\n');
    expect(stateOf('binfmt')).toBe('disabled');
    link('etc/runlevels/boot/binfmt', '/etc/init.d/binfmt');
    expect(stateOf('binfmt')).toBe('enabled');
  });
});

describe('sysvinit', () => {
  it('registers rules if binfmt-support has a start link', () => {
    write('proc/1/comm', 'init\n');
    write('etc/inittab', '');
    write('etc/init.d/binfmt-support', '#!/bin/sh\n');
    mkdirSync(join(root, 'etc/rcS.d'), { recursive: true });
    expect(stateOf('binfmt-support')).toBe('disabled');
    link('etc/rc2.d/S01binfmt-support', '../init.d/binfmt-support');
    expect(stateOf('binfmt-support')).toBe('enabled');
  });
});
