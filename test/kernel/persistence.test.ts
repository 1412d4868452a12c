/** Boot files of entries, read by the services that register them at boot: systemd-binfmt and update-binfmts. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { binfmtctl, documentOf, expectRefusal } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  removeAllEntries,
  switchEntry,
  temporaryFolder,
} from './support/machine.ts';
import { runSystemdBinfmt, systemdMachine } from './support/systemd-machine.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
const source = ['--source', `dir:${emulatorFolder()}`];

const { binfmtD: BINFMT_D, admin: ADMIN, within, withoutInit, create, clear } = systemdMachine(folder);
const run = (...words: readonly string[]) => binfmtctl([...words, '--store', store], { within });
const done = <T>(...words: readonly string[]) => documentOf<T>([...words, '--store', store], { within });

beforeAll(create);

afterEach(() => {
  removeAllEntries();
  clear();
  rmSync(store, { recursive: true, force: true });
});

describe('--persist=binfmt.d', () => {
  it('makes systemd-binfmt register the same entries', async () => {
    await done('install', 'arm64', 'riscv64', '--persist=binfmt.d', ...source);
    const before = entries();
    expect(readdirSync(BINFMT_D)).toEqual(['qemu-aarch64.conf', 'qemu-riscv64.conf']);
    removeAllEntries();
    runSystemdBinfmt(readdirSync(BINFMT_D).map((name) => join(BINFMT_D, name)));
    expect(entries()).toEqual(before);
    expect(await run('verify')).toMatchObject({ status: 0 });
  });

  it('is undone by uninstall, which restores the previous file', async () => {
    writeFileSync(join(BINFMT_D, 'qemu-arm.conf'), '# mine\n');
    await done('install', 'arm64', 'arm', '--persist=binfmt.d', ...source);
    await done('uninstall', '--all');
    expect(readdirSync(BINFMT_D)).toEqual(['qemu-arm.conf']);
    expect(readFileSync(join(BINFMT_D, 'qemu-arm.conf'), 'utf8')).toBe('# mine\n');
    expect(entries()).toEqual({});
  });

  it('is kept if it was changed since, with a warning', async () => {
    await done('install', 'arm64', '--persist=binfmt.d', ...source);
    const path = join(BINFMT_D, 'qemu-aarch64.conf');
    appendFileSync(path, '# mine\n');
    const { status, stderr } = await run('uninstall', 'arm64');
    expect(status).toBe(0);
    expect(stderr).toContain(
      `/etc/binfmt.d/qemu-aarch64.conf was changed after binfmtctl wrote it; it is kept`,
    );
    expect(readFileSync(path, 'utf8')).toContain('# mine');
    expect(entries()).toEqual({});
  });

  it('is written on request for an entry that works already', async () => {
    await done('install', 'arm64', ...source);
    const before = entries();
    await done('install', 'arm64', '--persist=binfmt.d');
    expect(readdirSync(BINFMT_D)).toEqual(['qemu-aarch64.conf']);
    expect(entries()).toEqual(before);
  });
});

describe('--persist for an entry whose interpreter file was removed', () => {
  it.each([
    ['before the entry was persisted', []],
    ['after the entry was persisted', ['--persist=binfmt.d']],
  ])(
    'never reports success while the persisted rule names a missing file: removed %s',
    async (_, options) => {
      await done('install', 'arm64', ...options, ...source);
      rmSync(interpreterOf(entries()['qemu-aarch64'] ?? ''));
      const { status } = await run('install', 'arm64', '--persist=binfmt.d');
      const isThere = existsSync(interpreterOf(entries()['qemu-aarch64'] ?? ''));
      expect([status === 0, isThere]).toEqual([isThere, isThere]);
    },
    60_000,
  );
});

const interpreterOf = (entry: string): string => /^interpreter (.*)$/m.exec(entry)?.[1] ?? '';

describe('--persist=binfmt-support', () => {
  it('makes update-binfmts display and register the same format', async () => {
    await done('install', 'arm64', '--persist=binfmt-support', ...source);
    const before = entries();
    expect(updateBinfmts('--display', 'qemu-aarch64')).toMatch(
      /^qemu-aarch64 \(enabled\):\n +package = <local>\n +type = magic\n/,
    );
    updateBinfmts('--disable', 'qemu-aarch64');
    expect(entries()).toEqual({});
    updateBinfmts('--enable', 'qemu-aarch64');
    expect(entries()).toEqual(before);
    expect(await run('verify', 'arm64')).toMatchObject({ status: 0 });
    await done('uninstall', 'arm64');
    expect([readdirSync(ADMIN), entries()]).toEqual([[], {}]);
  });
});

function updateBinfmts(...words: readonly string[]): string {
  const [support = '', pipeline = ''] = unpackPackages('binfmt-support', 'libpipeline1');
  const [file = '', ...args] = [...within, join(support, 'usr/sbin/update-binfmts'), ...words];
  const env = { ...process.env, LD_LIBRARY_PATH: join(pipeline, 'usr/lib/x86_64-linux-gnu') };
  return execFileSync(file, args, { encoding: 'utf8', env });
}

describe('after a reboot', () => {
  it('install restores a missing entry from the store', async () => {
    await done('install', 'arm64', ...source);
    const before = entries();
    switchEntry('qemu-aarch64', 'gone');
    await done('install', 'arm64');
    expect(entries()).toEqual(before);
  });
});

describe('a machine on which no service reads binfmt.d at boot', () => {
  const options = { within: withoutInit };
  // In a container, the host registers the entries at boot, and its store differs.
  const INSTALL_AGAIN =
    /on the host, run `binfmtctl install aarch64 --persist`|run `binfmtctl install aarch64 --store \S+` after each boot/;

  it('refuses --persist=binfmt.d before it changes anything', async () => {
    await expectRefusal(
      ['install', 'arm64', '--persist=binfmt.d', '--store', store, ...source],
      { status: 3, code: 'NO_TOOL', message: /cannot persist with binfmt\.d/, hint: INSTALL_AGAIN },
      options,
    );
    expect([readdirSync(BINFMT_D), entries()]).toEqual([[], {}]);
  });

  it('registers with --persist, and warns that the entry lasts until the next boot', async () => {
    const words = ['install', 'arm64', '--persist', '--store', store, ...source];
    const { status, stderr } = await binfmtctl(words, options);
    expect(status).toBe(0);
    expect(stderr).toMatch(/registered until the next boot only: .* \(.*\)/);
    expect(stderr).toMatch(INSTALL_AGAIN);
    expect([readdirSync(BINFMT_D), Object.keys(entries())]).toEqual([[], ['qemu-aarch64']]);
  });
});

describe('without --persist on a machine with systemd', () => {
  it('install notes once that restarting systemd-binfmt removes the entry', async () => {
    const first = await done<{ notes: string[] }>('install', 'arm64', ...source);
    expect(first.notes).toEqual([
      expect.stringContaining('without flag C'),
      expect.stringMatching(/systemctl restart systemd-binfmt.*--persist/),
    ]);
    const second = await done<{ notes: string[] }>('install', 'arm64');
    expect(second.notes).toEqual([]);
  });
});

describe('a link in place of the boot file', () => {
  it.each([
    ['binfmt.d', BINFMT_D, 'qemu-aarch64.conf'],
    ['binfmt-support', ADMIN, 'qemu-aarch64'],
  ])('is not followed by --persist=%s', async (how, directory, name) => {
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'precious\n');
    symlinkSync(victim, join(directory, name));
    const ran = await run('install', 'arm64', `--persist=${how}`, ...source);
    expect(ran).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`${name}: it is a symbolic link`),
    });
    expect([readFileSync(victim, 'utf8'), entries()]).toEqual(['precious\n', {}]);
    expect(readlinkSync(join(directory, name))).toBe(victim);
  });
});
