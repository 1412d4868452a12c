/** Reported results are true: proofs match the current entries, and failed probes have the real reason. */
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { AS_USER, binfmtctl, documentOf, expectRefusal, inShell } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerOthers,
  removeAllEntries,
  switchEntry,
  temporaryFolder,
} from './support/machine.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const store = at('store');
const emulators = emulatorFolder();
const source = ['--source', `dir:${emulators}`];
const [arm64 = ''] = unpackPackages('busybox-static:arm64');
const busybox = join(arm64, 'bin/busybox');
const QEMU = `${emulators}/qemu-aarch64-static`;

const run = (...words: readonly string[]) => binfmtctl([...words, '--store', store]);
const install = () => documentOf(['install', 'arm64', ...source, '--store', store]);
const recorded = async (): Promise<unknown> => {
  const { entries } = await documentOf<{ entries: readonly { proof: unknown }[] }>([
    'status',
    '--store',
    store,
  ]);
  return entries[0]?.proof;
};

afterEach(() => {
  removeAllEntries();
  for (const name of ['store', 'lib', 'user']) rmSync(at(name), { recursive: true, force: true });
});

describe('a recorded proof', () => {
  it('belongs to the probed entry, not to its name', async () => {
    await install();
    expect(await recorded()).toMatchObject({ holds: true, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    switchEntry('qemu-aarch64', 'gone');
    registerOthers('qemu-aarch64', 'aarch64', '/bin/false', 'PF');
    expect(await recorded()).toBeNull();
  });

  it('does not apply to an entry with other flags', async () => {
    await install();
    const interpreter = /^interpreter (.*)$/m.exec(entries()['qemu-aarch64'] ?? '')?.[1] ?? '';
    switchEntry('qemu-aarch64', 'gone');
    registerOthers('qemu-aarch64', 'aarch64', interpreter, 'P');
    expect(await recorded()).toBeNull();
  });

  it('does not apply while the entry is disabled', async () => {
    await install();
    switchEntry('qemu-aarch64', 'off');
    expect(await recorded()).toBeNull();
  });

  it('does not apply to an emulator whose file has changed', async () => {
    copyFileSync(QEMU, at('changing'));
    registerOthers('qemu-aarch64', 'aarch64', at('changing'), '');
    await run('verify');
    expect(await recorded()).toMatchObject({ holds: true });
    writeFileSync(at('changing'), '#!/bin/false\n');
    expect(await recorded()).toBeNull();
  });

  it('is replaced by a failure', async () => {
    writeFileSync(at('breaking'), `#!/bin/sh\n[ -e ${at('broken')} ] && exit 1\nexec ${QEMU} "$@"\n`, {
      mode: 0o755,
    });
    registerOthers('qemu-aarch64', 'aarch64', at('breaking'), '');
    expect((await run('verify')).status).toBe(0);
    expect(await recorded()).toMatchObject({ holds: true });
    writeFileSync(at('broken'), '');
    expect((await run('verify')).status).toBe(1);
    expect(await recorded()).toMatchObject({ holds: false });
    expect((await run('status')).stdout).toContain('fails: on the host: the emulator exited with status 1');
  });
});

describe('a probe that cannot be started', () => {
  const inUserNamespace = {
    within: [
      'unshare',
      '--user',
      '--map-root-user',
      'sh',
      '-c',
      'echo 0 > /proc/sys/user/max_mnt_namespaces && exec "$@"',
      'sh',
    ],
  };

  it('does not remove an entry, and is not reported as a proof', async () => {
    const words = ['install', 'arm64', ...source, '--store', store];
    const { status, stdout } = await binfmtctl(words, inUserNamespace);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /arm64 .* registered; not checked in a new mount namespace: unshare: .*too many namespaces/,
    );
    expect(Object.keys(entries())).toEqual(['qemu-aarch64']);
    expect((await run('status')).stdout).toMatch(/not verified|not checked/);
  });

  it('counts as not checked, which the exit status of verify shows', async () => {
    await install();
    const within = ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin'];
    const { status, stdout } = await binfmtctl(['verify', '--store', store], { within });
    expect(status).toBe(3);
    expect(stdout).toContain(
      'not checked in a new mount namespace: unshare: unshare failed: Operation not permitted',
    );
  });
});

describe('verify --root', () => {
  it('reports that a root has programs of another architecture', async () => {
    registerOthers('riscv', 'riscv64', `${emulators}/qemu-riscv64-static`, 'PF');
    mkdirSync(at('root/bin'), { recursive: true });
    copyFileSync(busybox, at('root/bin/busybox'));
    symlinkSync('busybox', at('root/bin/sh'));
    const { status, stdout } = await run('verify', 'riscv64', '--root', at('root'));
    expect(status).toBe(1);
    expect(stdout).toContain(`in a chroot: ${at('root')} holds aarch64 programs, not riscv64`);
  });
});

describe('without a private /proc', () => {
  const within = ['unshare', '--pid', '--fork', '--kill-child'];

  it('reports why neither the emulator nor a proof is known', async () => {
    await install();
    const why = '/proc belongs to another PID namespace';
    const again = await binfmtctl(['install', 'arm64', '--store', store], { within });
    expect(again.stdout).toContain(
      `arm64  already works: qemu 7.2.22, entry qemu-aarch64; the emulator's path is unknown: ${why}`,
    );
    const status = await binfmtctl(['status', '--store', store], { within });
    expect(status.stdout).toContain(`${why}: cannot tell which entries were verified`);
  });
});

describe('a plain user, after root has installed', () => {
  const asUser = {
    within: [...inShell(`mount --bind ${at('lib')} /var/lib`), ...AS_USER],
    env: { HOME: at('user') },
  };
  const asRoot = { within: inShell(`mount --bind ${at('lib')} /var/lib`) };

  it("sees root's entries and proofs, and is told that removal requires root", async () => {
    for (const name of ['lib', 'user']) mkdirSync(at(name));
    await documentOf(['install', 'arm64', ...source], asRoot);
    expect(await documentOf(['status'], asUser)).toMatchObject({
      entries: [{ ours: true, emulator: 'qemu', proof: { holds: true } }],
    });
    for (const words of [['--all'], ['arm64'], ['qemu-*']])
      await expectRefusal(
        ['uninstall', ...words],
        { status: 3, code: 'NO_PRIVILEGE', message: /root registered it/, hint: /sudo binfmtctl uninstall/ },
        asUser,
      );
  });
});

describe('run, with an entry of the machine', () => {
  const uname = (...options: readonly string[]) =>
    binfmtctl(['run', '--store', store, ...options, '--', busybox, 'uname', '-m']);

  it.each(['', '--dry-run'])('names the broken entry %s', async (option) => {
    registerOthers('broken', 'aarch64', '/bin/false', 'PF');
    const { status, stderr } = await uname(...[option].filter(Boolean));
    expect(status).toBe(125);
    expect(stderr).toMatch(
      /entry broken matches aarch64 programs, but its interpreter \/bin\/false does not run them: .*status 1/,
    );
  });

  it('prefers an explicit source', async () => {
    registerOthers('broken', 'aarch64', '/bin/false', 'PF');
    expect(await uname(...source)).toMatchObject({ status: 0, stdout: 'aarch64\n' });
    expect((await uname(...source, '--dry-run')).stdout).toContain('by an entry of its own');
  });

  it('probes it once', async () => {
    registerOthers('qemu-aarch64', 'aarch64', QEMU, 'PF');
    expect(await uname()).toMatchObject({ status: 0, stdout: 'aarch64\n' });
    const first = await recorded();
    expect(first).toMatchObject({ holds: true });
    expect(await uname()).toMatchObject({ status: 0, stdout: 'aarch64\n' });
    expect(await recorded()).toEqual(first);
  });

  it('uses an emulator that only the kernel still holds', async () => {
    copyFileSync(QEMU, at('qemu-aarch64-static'));
    registerOthers('qemu-aarch64', 'aarch64', at('qemu-aarch64-static'), 'PF');
    rmSync(at('qemu-aarch64-static'));
    await binfmtctl(['install', 'riscv64', ...source, '--store', store]);
    switchEntry('qemu-riscv64', 'gone');
    mkdirSync(at('few'));
    for (const name of ['qemu-aarch64-static', 'qemu-riscv64-static'])
      copyFileSync(join(emulators, name), join(at('few'), name));
    const others = [
      ['run', '--arch', 'riscv64'],
      ['run', '--all', '--source', `dir:${at('few')}`],
    ];
    for (const words of others) {
      const ran = await binfmtctl([...words, '--store', store, '--', busybox, 'uname', '-m']);
      expect(ran).toMatchObject({ status: 0, stdout: 'aarch64\n' });
    }
    const enter = [
      'enter',
      '--store',
      store,
      '--arch',
      'riscv64',
      arm64,
      '--',
      '/bin/busybox',
      'uname',
      '-m',
    ];
    expect(await binfmtctl(enter)).toMatchObject({ status: 0, stdout: 'aarch64\n' });
    const dry = await binfmtctl(['run', '--store', store, '--arch', 'riscv64', '--dry-run', '--', busybox]);
    expect(dry.stdout).toMatch(/^aarch64: .*by an entry of its own$/m);
  }, 60_000);
});
