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
  it('creates only the requested namespaces', () => {
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

  it('mounts in a namespace that ends before the program starts', () => {
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

  it('creates a user namespace only if it is needed', () => {
    expect(commandOf({})).not.toContain('--user');
    expect(commandOf({ newUserNamespace: true })).toContain('--user');
  });

  it('drops inheritable and ambient capabilities in a user namespace, and always CAP_SYS_PTRACE', () => {
    const flags = '--bounding-set=-sys_ptrace --inh-caps=-all --ambient-caps=-all --';
    expect(commandOf({ newUserNamespace: true }).join('\n')).toContain(flags);
  });

  it('does not lock mounts if no user namespace can be created', () => {
    const script = scriptOf({ isLocked: false });
    expect(script).not.toContain('--user');
    const found = places(script, '/bin/mount -n --move . /', 'ready $pid', SETPRIV);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect(found).not.toContain(-1);
  });

  it("mounts the instance at the host's path for a root without /proc", () => {
    const placesWithout = { ...facts.places, proc: undefined };
    const script = scriptOf({ rules: [ruleOf('one')], facts: { ...facts, places: placesWithout as object } });
    expect(script).toContain('binfmt_misc /proc/sys/fs/binfmt_misc || ');
    expect(script).toContain('>/proc/sys/fs/binfmt_misc/register');
  });

  it('binds the root on itself, mounts in it, and changes to it before the program starts', () => {
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

  it('keeps all changes of an ephemeral root in memory', () => {
    const script = scriptOf({ root: '/a:b,c', ephemeral: true, madeFirst: ['proc'] });
    expect(script).toContain('lowerdir=/proc/self/fd/9,upperdir=upper,workdir=work');
    expect(script).not.toContain('lowerdir=/a');
    expect(script).not.toContain('userxattr');
    const found = places(script, '-t overlay', 'cd root', 'mkdir -p -- ./proc');
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect(found).not.toContain(-1);
    expect(scriptOf({ ephemeral: true, facts: { ...facts, userNamespace: true } })).toContain('userxattr');
  });

  it('keeps nosuid and nodev of an ephemeral root', () => {
    expect(scriptOf({ ephemeral: true, harmless: ['nosuid', 'nodev'] })).toContain(
      'workdir=work,nosuid,nodev',
    );
  });

  it('mounts below the overlay of an ephemeral root', () => {
    const { texts } = enterCommand({ ...enterPlan, ephemeral: true });
    for (const line of texts.join('').trimEnd().split('\n'))
      expect(line.split(' ')[1]).toMatch(/^\/srv\/root\/root\//);
  });

  it("creates device nodes if the host's /dev is not permitted", () => {
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

  it('sets the host name, and enables the loopback device of a new network', () => {
    const script = scriptOf({ hostname: '-box', facts: { ...facts, newNetwork: true } });
    expect(script).toContain('/bin/hostname -- -box');
    expect(script).toContain('/sbin/ip link set lo up');
  });

  it('sets exactly the groups of an account', () => {
    expect(scriptOf({ account: { uid: 33, gid: 34, groups: [4, 5] } })).toContain(
      `${SETPRIV} --regid=34 --groups=4,5 -- /proc/self/fd/4 2>&7`,
    );
    expect(scriptOf({ account: { uid: 33, gid: 34, groups: [] } })).toContain('--regid=34 --clear-groups --');
  });

  it('sets a 32-bit personality for a native 32-bit root', () => {
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
