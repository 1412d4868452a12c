/** The mounts and settings inside a root, and the options of `enter` that change them. */
import { chownSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Actor, emulators, finish, outputOf, startActors } from './support/actors.ts';
import { binfmtctl, removeAllEntries } from './support/tools.ts';
import { expectSameTraces, type Traces, tracesOf } from './support/traces.ts';

const { root, mapped } = startActors();

describe.each([root, mapped])('within a root, for $name', (actor: Actor) => {
  let tree: string;
  let before: Traces;
  let shared: string;

  const enter = (options: readonly string[], ...program: string[]): readonly string[] =>
    actor.words('enter', ...options, tree, '--', ...program);
  const said = (script: string, ...options: string[]): Promise<string> =>
    outputOf(enter(options, 'sh', '-c', script));

  beforeAll(async () => {
    tree = await actor.root('arm64');
    shared = join(actor.home, 'shared');
    const [uid, gid] = [actor.idOf(0), actor.idOf(0)];
    mkdirSync(join(shared, 'own'), { recursive: true });
    chownSync(join(shared, 'own'), uid, gid);
    writeFileSync(join(shared, 'given'), 'given\n');
    // mmdebstrap creates none.
    writeFileSync(join(tree, 'etc/hosts'), '');
    chownSync(join(tree, 'etc/hosts'), uid, gid);
    expect(await said('uname -m')).toBe('aarch64');
    before = tracesOf(tree);
  });

  it('the environment is clean', async () => {
    const variables = Object.fromEntries(
      (await outputOf(['env', 'LEAKED=1', ...enter([], 'env')])).split('\n').map((line) => line.split('=')),
    );
    expect(variables).toMatchObject({ HOME: '/root', TERM: 'vt100' });
    expect(variables['PATH']).toBe('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
    expect(
      Object.keys(variables).filter(
        (name) => !/^(HOME|PATH|TERM|LANG|LC_\w+|USER|LOGNAME|SHELL|PWD|container)$/.test(name),
      ),
    ).toEqual([]);
  });

  it('--env adds variables, also with =, blanks or an empty value', async () => {
    const script = 'printf "%s|" "$A" "$B" "$C"; set -u; : "$C"';
    expect(await said(script, '--env', 'A=a=b c', '--env', 'B=$HOME', '--env', 'C=')).toBe('a=b c|$HOME||');
  });

  it('--env adds variables that no shell could set', async () => {
    const variables = ['a.b=1', 'BASH_FUNC_f%%=() { :; }', 'IFS=x', 'PWD=/no'];
    const options = variables.flatMap((each) => ['--env', each]);
    expect((await outputOf(enter(options, 'env'))).split('\n')).toEqual(expect.arrayContaining(variables));
  });

  it('processes, devices and tmpfs directories exist', async () => {
    const script = `set -e
readlink /proc/self > /dev/null
for node in null zero full random urandom tty; do test -c /dev/$node; done
head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c
echo x 2> /dev/null > /dev/full || echo full
stat -f -c %T /proc /dev/pts /dev/shm /run /tmp
stat -c %a /tmp /dev/shm
echo fd | cat /dev/fd/0; (echo out > /dev/stdout) | cat
touch /run/x /tmp/x /dev/shm/x
touch /sys/x 2> /dev/null || echo sys is read-only
test -d /sys/class`;
    expect((await said(script)).split('\n')).toEqual([
      ...['3', '3', 'full', 'proc', 'devpts', 'tmpfs', 'tmpfs', 'tmpfs', '1777', '1777'],
      ...['fd', 'out', 'sys is read-only'],
    ]);
    await expectSameTraces(before, tree);
  });

  it('new terminals can be opened', async () => {
    expect(await said('script -qc "tty; echo hi" /dev/null')).toMatch(/^\/dev\/pts\/\d+\r?\nhi/);
  });

  it('names are resolved like outside', async () => {
    expect(await said('cat /etc/resolv.conf')).toBe(readFileSync('/etc/resolv.conf', 'utf8').trimEnd());
    expect(await said('getent hosts localhost')).toMatch(/^(::1|127\.0\.0\.1)\s/);
    await expectSameTraces(before, tree);
  });

  it('only its own processes are visible', async () => {
    const seen = (await said('cat /proc/[0-9]*/comm')).split('\n');
    expect(seen).not.toContain('node');
    expect(seen.length).toBeLessThan(6);
  });

  it.each([
    ['www-data', '33 33 33 /'],
    ['33', '33 33 33 /'],
    ['33:42', '33 42 42 /'],
    ['4711:4712', '4711 4712 4712 /'],
    ['root', '0 0 0 /root'],
  ])('--user %s', async (user, expected) => {
    const text = await said('echo $(id -u) $(id -g) $(id -G) $HOME', '--user', user);
    const [uid, gid, groups] = expected.split(' ');
    expect(text.split(' ').slice(0, 3)).toEqual([uid, gid, groups]);
    expect(await said('cat /etc/shadow > /dev/null 2>&1 && echo read || echo kept', '--user', user)).toBe(
      uid === '0' || gid === '42' ? 'read' : 'kept',
    );
  });

  it("--user sets the user's groups in the root", async () => {
    expect(await said('id -Gn', '--user', 'list')).toBe('list');
    const ran = await finish(enter(['--user', 'nosuchuser'], 'true'));
    expect(ran).toMatchObject({ status: 125, stderr: expect.stringMatching(/^binfmtctl: .*nosuchuser/) });
  });

  it('--workdir', async () => {
    expect(await said('pwd')).toMatch(/^\/(root)?$/);
    expect(await said('pwd', '--workdir', '/usr/share/doc')).toBe('/usr/share/doc');
    const ran = await finish(enter(['--workdir', '/no/such'], 'true'));
    expect(ran).toMatchObject({ status: 125, stderr: expect.stringMatching(/^binfmtctl: .*\/no\/such/) });
  });

  it('--hostname', async () => {
    const own = readFileSync('/proc/sys/kernel/hostname', 'utf8');
    expect(await said('uname -n', '--hostname', 'inside')).toBe('inside');
    expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(own);
  });

  it('--read-only', async () => {
    const script =
      'touch /x 2> /dev/null || echo kept; touch /usr/x 2> /dev/null || echo kept; touch /tmp/x && echo free';
    expect(await said(script, '--read-only')).toBe('kept\nkept\nfree');
    await expectSameTraces(before, tree);
  });

  it('--ephemeral discards all changes', async () => {
    const script = `set -e
rm /etc/debian_version; rm -r /usr/share/doc; mv /opt /other; mkdir /opt; echo new > /opt/new; echo more >> /etc/passwd
chown 33:33 /etc/shadow; chmod 600 /etc/group; ln -s x /srv/link; useradd somebody 2> /dev/null || true
test ! -e /etc/debian_version && cat /opt/new && stat -c %u /etc/shadow && tail -n 1 /etc/passwd`;
    expect(await said(script.replace('useradd somebody 2> /dev/null || true', 'true'), '--ephemeral')).toBe(
      'new\n33\nmore',
    );
    await expectSameTraces(before, tree);
  });

  it("set-user-ID programs have their owner's rights", async () => {
    const script =
      'cp /usr/bin/id /usr/bin/root-id; chmod u+s /usr/bin/root-id; setpriv --reuid=33 --clear-groups root-id -u';
    expect(await said(script, '--ephemeral')).toBe('0');
    await expectSameTraces(before, tree);
  });

  it('--ephemeral --read-only', async () => {
    expect(await said('touch /x 2> /dev/null || echo kept', '--ephemeral', '--read-only')).toBe('kept');
    await expectSameTraces(before, tree);
  });

  it('--net none leaves only the loopback device', async () => {
    const devices =
      'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "; cat /sys/class/net/lo/operstate > /dev/null && echo sys';
    expect(await said(devices, '--net', 'none')).toMatch(/^(lo|lo\nsit0|lo\ntunl0)\nsys$/);
  });

  it('--bind mounts directories and files of the host', async () => {
    const given = join(shared, 'given');
    const script = 'cat /mnt/given; touch /mnt/own/x && echo written; cat /etc/motd';
    expect(await said(script, '--bind', `${shared}:/mnt`, '--bind', `${given}:/etc/motd:ro`)).toBe(
      'given\nwritten\ngiven',
    );
    const kept = 'touch /mnt/own/y 2> /dev/null || echo kept; touch /mnt/given 2> /dev/null || echo kept';
    expect(await said(kept, '--bind', `${shared}:/mnt:ro`)).toBe('kept\nkept');
    await expectSameTraces(before, tree);
  });

  it('--bind without a mount point is refused, or creates a temporary one', async () => {
    const ran = await finish(enter(['--bind', shared], 'cat', `${shared}/given`));
    if (ran.status !== 0) expect(ran).toMatchObject({ status: 125, stderr: expect.stringContaining(shared) });
    else expect(ran.stdout).toBe('given\n');
    await expectSameTraces(before, tree);
  });

  it.each([
    [['--bind', '/no/such/source:/mnt']],
    [['--bind', 'relative:/mnt']],
    [['--bind', '/tmp:mnt']],
    [['--bind', '/tmp:/mnt:rw:x']],
    [['--bind', '']],
    [['--env', '=x']],
    [['--user', '']],
    [['--user', '1:2:3']],
    [['--user', '-1']],
    [['--user', '99999999999']],
    [['--hostname', 'a b']],
    [['--hostname', 'x'.repeat(65)]],
    [['--net', 'some']],
    [['--workdir', 'relative']],
  ])('refuses %j', async (options) => {
    const ran = await finish(enter(options, 'true'));
    expect(ran.stdout).toBe('');
    expect([2, 125]).toContain(ran.status);
    expect(ran.stderr).toMatch(/^binfmtctl: .+\n(hint: .+\n)?$/);
    await expectSameTraces(before, tree);
  });
});

describe("with the machine's entries", () => {
  afterEach(removeAllEntries);

  it('they appear inside read-only, and root gets no user namespace', async () => {
    const installed = binfmtctl(join(root.home, 'store'), 'install', 'arm64', '--source', emulators());
    expect(installed.status, installed.stderr).toBe(0);
    for (const actor of [root, mapped]) {
      const tree = await actor.root('arm64');
      const script =
        'uname -m; readlink /proc/self/ns/user; ls /proc/sys/fs/binfmt_misc; { echo 0 >/proc/sys/fs/binfmt_misc/status; } 2>/dev/null || echo read-only';
      const words = [...actor.words('enter', tree, '--', 'sh', '-c', script)];
      // An explicit source takes precedence over the machine's entries.
      words.splice(words.indexOf('--source'), 2);
      const [machine, namespace, ...entries] = (await outputOf(words)).split('\n');
      expect({ machine, entries }).toEqual({
        machine: 'aarch64',
        entries: ['qemu-aarch64', 'register', 'status', 'read-only'],
      });
      expect(namespace === readlinkSync('/proc/self/ns/user')).toBe(actor === root);
    }
  });
});
