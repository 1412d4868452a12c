import { describe, expect, it } from 'vitest';
import { type EnterPlan, enterCommand } from '../../../../src/enter/script/enter-script.ts';
import { enterPlan, facts, ruleOf } from './scripts.ts';

const commandOf = (plan: Partial<EnterPlan>): readonly string[] =>
  enterCommand({ ...enterPlan, ...plan }).command;
const scriptOf = (plan: Partial<EnterPlan>): string =>
  commandOf(plan).find((word) => word.includes('umask 022')) ?? '';
const flagsOf = (plan: Partial<EnterPlan>): readonly string[] => {
  const command = commandOf(plan);
  const start = command.lastIndexOf('--pid');
  return command.slice(start, command.indexOf('--', start));
};
const places = (text: string, ...parts: string[]): readonly number[] =>
  parts.map((part) => text.indexOf(part));

const SETPRIV = 'exec /bin/setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace';

describe('enterCommand', () => {
  it('makes only the namespaces that are asked for', () => {
    const always = ['--pid', '--ipc'];
    const end = ['--fork', '--kill-child'];
    expect(flagsOf({})).toEqual([...always, ...end]);
    expect(flagsOf({ hostname: 'box', facts: { ...facts, newNetwork: true } })).toEqual([
      ...always,
      '--uts',
      '--net',
      ...end,
    ]);
  });

  it('makes the mounts in a namespace that ends before the program begins', () => {
    const script = scriptOf({});
    const found = places(
      script,
      'unshare --mount',
      '--fstab',
      'exec /bin/nsenter',
      '! read -r _',
      'ready $pid',
    );
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect(found).not.toContain(-1);
    expect(commandOf({ isLocked: false })).toContain('--mount');
    expect(commandOf({})).not.toContain('--mount');
  });

  it('makes a user namespace only where one is needed', () => {
    expect(commandOf({})).not.toContain('--user');
    expect(commandOf({ newUserNamespace: true })).toContain('--user');
  });

  it('keeps no capability in a user namespace but by execution as root, and never CAP_SYS_PTRACE', () => {
    const flags = '--bounding-set=-sys_ptrace --inh-caps=-all --ambient-caps=-all --';
    expect(commandOf({ newUserNamespace: true }).join('\n')).toContain(flags);
  });

  it('makes no user namespace to lock mounts where there can be none', () => {
    const script = scriptOf({ isLocked: false });
    expect(script).not.toContain('--user');
    const found = places(script, '/bin/mount -n --move . /', 'ready $pid', SETPRIV);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect(found).not.toContain(-1);
  });

  it('registers in the instance of this machine, in a root without /proc', () => {
    const placesWithout = { ...facts.places, proc: undefined };
    const script = scriptOf({ rules: [ruleOf('one')], facts: { ...facts, places: placesWithout as object } });
    expect(script).toContain('binfmt_misc /proc/sys/fs/binfmt_misc || ');
    expect(script).toContain('>/proc/sys/fs/binfmt_misc/register');
  });

  it('binds the root on itself, mounts in it, and makes it the root before the program begins', () => {
    const script = scriptOf({});
    const found = places(
      script,
      '/bin/mount -n --rbind /srv/root /srv/root',
      'cd /srv/root',
      '--fstab /proc/self/fd/5',
      '--fstab /proc/self/fd/6',
      '/bin/unshare --user --keep-caps',
      '/bin/mount -n --move . /',
      '/bin/nsenter --mount="/proc/$locker/ns/mnt"',
      'ready $pid',
      `${SETPRIV} -- /proc/self/fd/4 2>&7 7>&-`,
    );
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect(found).not.toContain(-1);
  });

  it('keeps all changes of an ephemeral root in memory, and none of it for the root below', () => {
    const script = scriptOf({ root: '/a:b,c', ephemeral: true, madeFirst: ['proc'] });
    expect(script).toContain('lowerdir=/proc/self/fd/9,upperdir=upper,workdir=work');
    expect(script).not.toContain('lowerdir=/a');
    expect(script).not.toContain('userxattr');
    const found = places(script, '-t overlay', 'cd root', 'mkdir -p -- ./proc');
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect(found).not.toContain(-1);
    expect(scriptOf({ ephemeral: true, facts: { ...facts, userNamespace: true } })).toContain('userxattr');
  });

  it('keeps set-user-id programs and devices without effect where the ephemeral root has them so', () => {
    expect(scriptOf({ ephemeral: true, harmless: ['nosuid', 'nodev'] })).toContain(
      'workdir=work,nosuid,nodev',
    );
  });

  it('has the targets of an ephemeral root below its overlay', () => {
    const { texts } = enterCommand({ ...enterPlan, ephemeral: true });
    for (const line of texts.join('').trimEnd().split('\n'))
      expect(line.split(' ')[1]).toMatch(/^\/srv\/root\/root\//);
  });

  it('makes devices of its own where those of the host cannot be had', () => {
    const own = scriptOf({ facts: { ...facts, realDevices: false, terminal: '/dev/pts/3' } });
    expect(own).toContain('mkdir -p -- ./dev/pts ./dev/shm');
    expect(own).toContain('true >./dev/null');
    expect(own).toContain('true >./dev/console');
    expect(own).toContain('ln -s pts/ptmx ./dev/ptmx');
    expect(scriptOf({})).not.toContain('./dev');
  });

  it('registers in the instance of the new /proc, before the root may become read-only', () => {
    const script = scriptOf({ rules: [ruleOf('qemu-arm')], readOnly: { flags: ['nodev'], submounts: [] } });
    const found = places(
      script,
      '>/srv/root/proc/sys/fs/binfmt_misc/register',
      'remount,ro,nosuid,nodev,noexec /srv/root/proc/sys/fs/binfmt_misc',
      'remount,bind,ro,nodev /srv/root',
    );
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect(found).not.toContain(-1);
  });

  it('sets the name of the host, and switches the loopback device of a new network on', () => {
    const script = scriptOf({ hostname: '-box', facts: { ...facts, newNetwork: true } });
    expect(script).toContain('/bin/hostname -- -box');
    expect(script).toContain('/sbin/ip link set lo up');
  });

  it('gives an account its groups, and no others', () => {
    expect(scriptOf({ account: { uid: 33, gid: 34, groups: [4, 5] } })).toContain(
      `${SETPRIV} --regid=34 --groups=4,5 -- /proc/self/fd/4 2>&7`,
    );
    expect(scriptOf({ account: { uid: 33, gid: 34, groups: [] } })).toContain('--regid=34 --clear-groups --');
  });

  it('has the personality of a 32-bit machine where the root is one without emulation', () => {
    expect(scriptOf({ personality32: true })).toContain('exec /bin/setarch linux32 -- /bin/setpriv ');
  });

  it('quotes every path', () => {
    const root = "/it's a root; reboot";
    const made = { directories: ['$x'], files: ['`y`'] };
    const script = scriptOf({ root, made, isLocked: false });
    expect(script).toContain(`cd '/it'\\''s a root; reboot' ||`);
    expect(script).toContain("'./$x'");
    expect(script).toContain("'./`y`'");
  });
});
