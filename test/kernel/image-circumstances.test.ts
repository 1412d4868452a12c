/** What is different in our container image: no shell, flags of tonistiigi/binfmt, an instance that others may not share. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { binfmtctl, documentOf, expectRefusal, inShell } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerOthers,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';
import { runsI386 } from './support/native-i386.ts';

const store = join(temporaryFolder(), 'store');
const source = `dir:${emulatorFolder()}`;
const env = { BINFMTCTL_IMAGE: '1' };
const HIDDEN_STORE = 'mount -t tmpfs none /var/lib';
/** Nobody can execute a file without x bits, whatever path leads to it. */
const withoutShell = inShell('mount --bind /dev/null "$(readlink -f /bin/sh)"');

/** A script that runs a command in new user and mount namespaces, mapped as newuidmap(1) does for rootless engines. */
const asAnotherRoot = (first: string): string => `
  setpriv --reuid=100000 --regid=100000 --clear-groups unshare --user --mount --propagation private sh -c '
    until grep -q . /proc/self/uid_map /proc/self/gid_map && [ "$(id -u)" = 0 ]; do sleep 0.01; done
    ${first} && mount -t tmpfs none /var/lib && exec "$@"' sh "$@" &
  until echo 0 100000 65536 2>/dev/null >/proc/$!/uid_map; do sleep 0.01; done 2>/dev/null
  echo 0 100000 65536 >/proc/$!/gid_map
  wait $!`;

interface Installed {
  readonly proofs: readonly unknown[];
  readonly warnings: readonly string[];
}

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

describe('a machine without a shell', () => {
  let withShell: Installed;

  beforeAll(async () => {
    withShell = await documentOf(['install', 'arm64,riscv64', '--source', source, '--store', store]);
  });

  it('really has none', async () => {
    const ran = await binfmtctl(['--version'], { within: [...withoutShell, 'env', '-S', 'sh -c true'] });
    expect(ran.status).toBe(126);
  });

  it('proves the same by the same probes', async () => {
    const without = await documentOf<Installed>(
      ['install', 'arm64,riscv64', '--source', source, '--store', store],
      { within: withoutShell },
    );
    expect(without.proofs).toEqual(withShell.proofs);
  });

  it('names the same shortcomings', async () => {
    registerOthers('missing', 's390x', '/none/qemu-s390x', '');
    registerOthers('failing', 'riscv64', '/bin/false', 'F');
    const words = ['verify', 's390x', 'riscv64', 'mips', '--store', store, '--json'];
    const [withOne, without] = await Promise.all([
      binfmtctl(words),
      binfmtctl(words, { within: withoutShell }),
    ]);
    expect(without.status).toBe(1);
    expect(JSON.parse(without.stdout)).toEqual(JSON.parse(withOne.stdout));
  });

  it.runIf(process.arch !== 'x64' || runsI386)(
    'sees that a sibling of the own architecture is native behind an entry that takes it',
    async () => {
      const sibling = process.arch === 'x64' ? 'i386' : 'arm';
      registerOthers('others', sibling, join(emulatorFolder(), `qemu-${sibling}-static`), 'F');
      const words = ['install', sibling, '--source', source, '--store', store];
      const [withOne, without] = await Promise.all([
        binfmtctl(words),
        binfmtctl(words, { within: withoutShell }),
      ]);
      expect(without).toEqual(withOne);
      expect(without.stderr).toMatch(/ runs natively on this machine/);
    },
  );
});

describe('in the image', () => {
  const within = inShell(HIDDEN_STORE);

  it('takes flags and no words at all as the program of tonistiigi/binfmt does', async () => {
    const installed = await binfmtctl(['--install', 'riscv64'], {
      within,
      env: { ...env, QEMU_BINARY_PATH: emulatorFolder() },
    });
    expect(installed).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^installing: riscv64 OK\nnote: flag C .*\n$/),
    });
    const listed = await binfmtctl([], { within, env });
    expect(JSON.parse(listed.stdout)).toEqual({
      supported: expect.arrayContaining(['linux/riscv64']),
      emulators: ['qemu-riscv64'],
    });
    expect(await binfmtctl(['--version'], { within, env })).toMatchObject({
      status: 0,
      stdout: '',
      stderr: expect.stringMatching(/^binfmt\/binfmtctl-/),
    });
    expect((await binfmtctl(['--help'], { within, env })).stderr).toMatch(
      /^Usage of binfmt:[\s\S]*commands of binfmtctl/,
    );
  });

  it.each(['--persist', '--persist=binfmt.d'])(
    'refuses %s: at the next boot its emulators are nowhere',
    async (word) => {
      await expectRefusal(
        ['install', 'riscv64', '--source', source, word, '--store', store],
        { status: 2, code: 'USAGE', message: /no effect in a container/, hint: /after each boot/ },
        { env },
      );
      expect(entries()).toEqual({});
    },
  );

  it('takes every other word as a command of ours', async () => {
    const { status, stdout } = await binfmtctl(['status', '--store', store], { env });
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('binfmt_misc') });
    expect((await binfmtctl(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('in the image with a read-only root', () => {
  /** `docker run --read-only`, then with `--tmpfs /tmp`, whose options are those of Docker. */
  const READ_ONLY = 'mount -o remount,bind,ro /';
  /** The checkout may be below /tmp, and is put back there. */
  const TMPFS = `exec 9<. && mount -t tmpfs -o noexec,nosuid,nodev none /tmp && case "$PWD" in
    /tmp/*) mkdir -p "$PWD" && mount -c --bind /proc/self/fd/9 "$PWD" ;;
    esac && exec 9<&-`;

  it.each([
    ['alone', ''],
    ['with a tmpfs that takes no programs', ` && ${TMPFS}`],
  ])('%s installs and proves', async (_, more) => {
    const options = { within: inShell(`${READ_ONLY}${more}`), env };
    const ran = await binfmtctl(
      ['install', 'riscv64', '--credentials', '--source', source, '--json', '--quiet'],
      options,
    );
    expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(ran.stdout).proofs).toMatchObject([
      { verdict: { outcome: 'works' }, chroot: { holds: true }, credentials: { holds: true } },
    ]);
  });
});

describe('in the image, in a user namespace as rootless engines make', () => {
  /** Its root is user 100000 outside, and the instance is its own. */
  const rootless = [
    'sh',
    '-c',
    `${asAnotherRoot('mount -t binfmt_misc none /proc/sys/fs/binfmt_misc')}`,
    'sh',
  ];
  const expected =
    /^this container is in a user namespace, .*: the entries only work in this container and end with it; use root's engine/;

  it.each([
    [['install', 'riscv64', '--source', source], 1],
    [['install', 'riscv64', '--source', source, '--quiet', '--json'], 0],
  ])('says whom the entries serve: %j', async (words, times) => {
    const ran = await binfmtctl([...words, ...(times ? ['--json'] : [])], { within: rootless, env });
    expect(ran.status).toBe(0);
    const { warnings } = JSON.parse(ran.stdout) as Installed;
    expect(warnings.filter((text) => expected.test(text))).toHaveLength(1);
    expect(ran.stderr.match(/^warning: this container is in a user namespace/gm) ?? []).toHaveLength(times);
  });

  it('names the scope in the result', async () => {
    const ran = await binfmtctl(['install', 'riscv64', '--source', source], {
      within: rootless,
      env,
    });
    expect(ran.stdout).toMatch(
      /^✔ riscv64 .*registered and verified\nReady in \S+ s, in this container only\.$/m,
    );
  });

  it('says so with the flags of tonistiigi/binfmt, too, and only where something is installed', async () => {
    const own = { within: rootless, env: { ...env, QEMU_BINARY_PATH: emulatorFolder() } };
    const installed = await binfmtctl(['--install', 'riscv64,arm64'], own);
    expect(installed.stderr).toMatch(
      /^warning: this container is in a user namespace.*\ninstalling: riscv64 OK\ninstalling: arm64 OK\nnote: flag C .*\n$/,
    );
    expect(await binfmtctl([], own)).toMatchObject({ status: 0, stderr: '' });
  });

  it('says less to who makes such an instance on purpose', async () => {
    const ran = await documentOf<Installed>(['install', 'riscv64', '--source', source], { within: rootless });
    expect(ran.warnings.filter((text) => /user namespace/.test(text))).toEqual([
      'this binfmt_misc instance belongs to a user namespace: its entries only work there and end with it; for entries that work on the whole machine, run binfmtctl on the host',
    ]);
    expect(entries()).toEqual({});
  });
});
