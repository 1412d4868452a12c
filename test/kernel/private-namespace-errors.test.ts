/** Reports of run and enter on machines where a private instance is unavailable. */
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { binfmtctl, inShell } from './support/command.ts';
import { emulatorFolder, removeAllEntries, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
const [arm64 = ''] = unpackPackages('busybox-static:arm64');
const busybox = join(arm64, 'bin/busybox');
const options = ['--source', `dir:${emulatorFolder()}`, '--store', store];

/** Like on kernels before 6.7: mount(8) reports EPERM. */
const refusingMount = join(folder, 'mount');
writeFileSync(refusingMount, '#!/bin/sh\necho "mount: binfmt_misc: permission denied." >&2\nexit 32\n');
chmodSync(refusingMount, 0o755);
const withoutProot = '{ ! p=$(command -v proot) || mount --bind /dev/null "$(readlink -f "$p")"; }';
const withoutInstances = inShell(
  `${withoutProot} && mount --bind ${refusingMount} "$(readlink -f "$(command -v mount)")"`,
);
const withoutNamespaces = [
  ...inShell(withoutProot),
  'unshare',
  '--user',
  '--map-root-user',
  'sh',
  '-c',
  'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"',
  'sh',
];

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

describe.each([
  [
    'a private instance cannot be mounted',
    withoutInstances,
    /cannot mount binfmt_misc in a user namespace .*permission denied/,
  ],
  ['user namespaces are not allowed', withoutNamespaces, /user\.max_user_namespaces is 0/],
])('where %s', (_, within, reason) => {
  it('run --dry-run reports that the emulator is started directly, and why', async () => {
    const words = ['run', ...options, '--dry-run', '--', busybox, 'uname', '-m'];
    const { status, stdout } = await binfmtctl(words, { within });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^aarch64: .*, started directly, without an entry$/m);
    expect(stdout).toMatch(reason);
    expect(stdout).not.toContain('by an entry of its own');
  });

  it('run --dry-run --json reports only the program: its children are not emulated', async () => {
    const words = ['run', ...options, '--arch', 'riscv64', '--dry-run', '--json', '--', busybox];
    const { stdout } = await binfmtctl(words, { within });
    const arches = [expect.objectContaining({ arch: 'aarch64', by: 'emulator', entry: null })];
    expect(JSON.parse(stdout)).toMatchObject({ private: false, arches });
  });

  it('run --verbose reports and does the same', async () => {
    const words = ['run', ...options, '--verbose', '--', busybox, 'uname', '-m'];
    const { status, stdout, stderr } = await binfmtctl(words, { within });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'aarch64\n' });
    expect(stderr).toMatch(/, started directly, without an entry$/m);
    expect(stderr).toMatch(reason);
    expect(stderr.match(/emulating the program but not its child processes/g)).toHaveLength(1);
  });

  it('run starts the emulator with the interpreter of a script', async () => {
    const script = join(folder, 'script');
    writeFileSync(script, `#! ${busybox}  echo \n`, { mode: 0o755 });
    const outer = join(folder, 'outer');
    writeFileSync(outer, `#!${script}\n`, { mode: 0o755 });
    for (const [program, output] of [
      [script, `${script} a b\n`],
      [outer, `${script} ${outer} a b\n`],
    ] as const) {
      const words = ['run', ...options, '--verbose', '--', program, 'a', 'b'];
      const { status, stdout, stderr } = await binfmtctl(words, { within });
      expect({ status, stdout }).toEqual({ status: 0, stdout: output });
      expect(stderr).toContain('emulating the program but not its child processes');
    }
  });

  it('enter --dry-run fails with the reason, and names proot', async () => {
    const words = ['enter', ...options, '--dry-run', arm64, '--', '/bin/busybox'];
    const { status, stdout, stderr } = await binfmtctl(words, { within });
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^binfmtctl: cannot set up namespaces for enter: /m);
    expect(stderr).toMatch(reason);
    expect(stderr).toMatch(/; or, without root, install proot$/m);
  });
});
