import { describe, expect, it } from 'vitest';
import { type NamespaceFacts, namespaceError } from '../../../src/emulation/namespace-error.ts';

const facts: NamespaceFacts = {
  program: 'run',
  arch: 'aarch64',
  failed: 'namespaces',
  complaint: 'unshare: unshare failed: Operation not permitted',
  kernel: '6.18.3',
  root: false,
  container: null,
  least: { sysctl: 'user.max_user_namespaces', value: 15000 },
  maxUserNamespaces: 15000,
  cloneForbidden: false,
  appArmor: false,
  seccomp: false,
};
const errorOf = (more: Partial<NamespaceFacts>) => namespaceError({ ...facts, ...more });

const OBSTACLES: readonly [string, Partial<NamespaceFacts>, why: RegExp, command: string][] = [
  [
    'a kernel without private instances',
    { failed: 'instance', kernel: '6.1.0', complaint: 'mount: /x: unknown filesystem type.' },
    /cannot mount binfmt_misc in a user namespace \(Linux 6\.1\.0; .*\): mount: \/x: unknown filesystem type\.$/,
    '`binfmtctl install aarch64`',
  ],
  [
    'a kernel without private instances, when the mounts of a root fail',
    { failed: 'mounts', kernel: '5.15', complaint: 'mount: /r/proc/sys/fs/binfmt_misc: permission denied.' },
    /cannot mount binfmt_misc in a user namespace \(Linux 5\.15; /,
    '`binfmtctl install aarch64`',
  ],
  [
    'a kernel without user namespaces',
    { maxUserNamespaces: null },
    /the kernel has no user namespaces$/,
    '`binfmtctl install aarch64`',
  ],
  [
    'a limit of 0 user namespaces',
    { maxUserNamespaces: 0 },
    /user\.max_user_namespaces is 0$/,
    '`sysctl -w user.max_user_namespaces=15000`',
  ],
  [
    'a Debian kernel that allows user namespaces only for root',
    { cloneForbidden: true },
    /kernel\.unprivileged_userns_clone is 0$/,
    '`sysctl -w kernel.unprivileged_userns_clone=1`',
  ],
  [
    'AppArmor',
    { appArmor: true },
    /AppArmor .*kernel\.apparmor_restrict_unprivileged_userns is 1/,
    '`sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`',
  ],
  [
    'the seccomp filter of a container',
    { seccomp: true, container: 'docker' },
    /blocked by the seccomp filter of this container \(docker\)/,
    '`--security-opt seccomp=unconfined`',
  ],
  [
    'another seccomp filter',
    { seccomp: true },
    /: blocked by a seccomp filter/,
    '`--security-opt seccomp=unconfined`',
  ],
  [
    'a container that hides parts of /proc',
    { failed: 'mounts', container: 'podman', complaint: 'mount: /r/proc: permission denied.' },
    /permission denied\. \(in a container: podman\)$/,
    '--privileged',
  ],
  [
    'a limit of namespaces that is reached, also in a container',
    {
      container: 'docker',
      complaint: 'unshare: unshare failed: No space left on device',
      least: { sysctl: 'user.max_pid_namespaces', value: 3 },
    },
    /: the limit user\.max_pid_namespaces \(3\) is reached$/,
    '`sysctl -w user.max_pid_namespaces=15000`',
  ],
  [
    'a limit of processes that is reached',
    { container: 'docker', complaint: '/usr/bin/sh: 2: Cannot fork' },
    /: \/usr\/bin\/sh: 2: Cannot fork: this user has reached the limit of processes$/,
    '`ulimit -u 4096`',
  ],
  [
    'refused ID maps, with the hint of the failure',
    { failed: 'maps', container: 'docker', complaint: 'newuidmap: no', hint: '`chmod u+s newuidmap`' },
    /: newuidmap: no$/,
    '`chmod u+s newuidmap`',
  ],
  ['any other failure', { complaint: 'no memory' }, /: no memory$/, '`binfmtctl install aarch64`'],
];

describe('namespaceError', () => {
  it.each(OBSTACLES)('reports %s, with the command that fixes it', (_, more, why, command) => {
    const { code, message, hint } = errorOf(more);
    expect(code).toBe('NO_NAMESPACE');
    expect(message).toMatch(why);
    expect(message).toMatch(/^cannot set up namespaces for run: /);
    expect(message).not.toContain('\n');
    expect(hint).toContain(command);
    expect(hint?.match(/`/g)?.length ?? 0).toBeLessThanOrEqual(2);
  });

  it('does not report restrictions of users to root', () => {
    for (const each of [{ appArmor: true }, { cloneForbidden: true }])
      expect(errorOf({ ...each, root: true }).message).toMatch(/Operation not permitted$/);
  });

  it('does not blame binfmt_misc for other mounts', () => {
    const complaint = 'mount: /x: permission denied.';
    expect(errorOf({ failed: 'mounts', kernel: '6.6', complaint }).message).toMatch(/permission denied\.$/);
  });

  it('names the host of a container that cannot mount binfmt_misc', () => {
    const { hint } = errorOf({ failed: 'instance', container: 'docker' });
    expect(hint).toBe('on the host of this container (docker), as root: `binfmtctl install aarch64`');
  });

  it('does not blame a filter for a later failure', () => {
    expect(errorOf({ seccomp: true, failed: 'register', complaint: 'sh: I/O error' }).message).toMatch(
      /: sh: I\/O error$/,
    );
  });

  it('names the command that failed', () => {
    expect(errorOf({ program: 'enter' }).message).toMatch(/^cannot set up namespaces for enter: /);
  });

  it('never suggests to install an unknown architecture', () => {
    for (const each of [{ maxUserNamespaces: null }, { complaint: 'no memory' }])
      expect(errorOf({ ...each, arch: null }).hint).not.toContain('install');
  });

  it('says that no reason was given', () => {
    expect(errorOf({ complaint: '' }).message).toMatch(/: no reason was given$/);
  });

  it('quotes the reason of mount(8), not its advice', () => {
    const complaint = [
      'mount: /r/sys: permission denied.',
      '       dmesg(1) may have more information after failed mount system call.',
    ].join('\n');
    expect(errorOf({ failed: 'mounts', complaint }).message).toMatch(
      /: mount: \/r\/sys: permission denied\.$/,
    );
  });
});
