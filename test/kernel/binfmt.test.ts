/** `binfmtctl binfmt`, with the flags that scripts give to the image tonistiigi/binfmt. */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { binfmtctl, inShell } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerForeign,
  registerOthers,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
const env = { QEMU_BINARY_PATH: emulatorFolder() };
const NOTE =
  "note: flag C gives foreign set-user-ID programs their owner's rights, and users can gain these rights through QEMU's environment variables: use it only on machines whose users you trust\n";
/** It has no option for the store: that of root is hidden. */
const within = inShell(`mkdir -p ${store} && mount -t tmpfs none /var/lib`);
const run = (...words: readonly string[]) => binfmtctl(['binfmt', ...words], { env, within });

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

describe('binfmt', () => {
  it('installs platforms, proves them, and prints what setup-qemu-action reads', async () => {
    const { status, stdout, stderr } = await run('--install', 'linux/arm64,riscv64,arm');
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: `installing: linux/arm64 OK\ninstalling: riscv64 OK\ninstalling: arm OK\n${NOTE}`,
    });
    const { supported, emulators } = JSON.parse(stdout);
    expect(supported).toEqual(
      expect.arrayContaining(['linux/arm64', 'linux/riscv64', 'linux/arm/v7', 'linux/arm/v6']),
    );
    expect(supported[0]).toBe(process.arch === 'x64' ? 'linux/amd64' : 'linux/arm64');
    expect(emulators).toEqual(['qemu-aarch64', 'qemu-arm', 'qemu-riscv64']);
    expect(entries()['qemu-aarch64']).toContain('flags: POCF\n');
  });

  it('takes the own platform for installed, and fails for what it does not know', async () => {
    const own = process.arch === 'x64' ? 'amd64' : 'arm64';
    expect(await run('-install', own)).toMatchObject({
      status: 0,
      stderr: `installing: ${own} runs here without an emulator\n`,
    });
    expect(await run('-install', 'none,riscv64')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^installing: none unknown architecture .*\ninstalling: riscv64 OK\nnote: .*\nerror: none: unknown architecture .*\n$/,
      ),
    });
  });

  it('uninstalls by platform, by name and by glob, and succeeds if there is nothing', async () => {
    for (const name of ['qemu-arm', 'qemu-mips', 'other', 'WSLInterop'])
      registerForeign(`:${name}:E::${name}::/bin/true:`);
    expect(await run('--uninstall', 'linux/arm/v7,qemu-m*,other,WSLInterop,WSL*')).toMatchObject({
      status: 0,
      stderr:
        'uninstalling: qemu-arm OK\nuninstalling: qemu-mips OK\nuninstalling: other OK\nuninstalling: WSLInterop not found\nuninstalling: WSL* not found\n',
    });
    expect(Object.keys(entries())).toEqual(['WSLInterop']);
    expect(await run('--uninstall', 'qemu-*')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('"supported"'),
      stderr: 'uninstalling: qemu-* not found\n',
    });
  });

  it('registers new entries with C, and leaves the flags of those that work', async () => {
    const source = ['--source', `dir:${env.QEMU_BINARY_PATH}`, '--store', store];
    expect((await binfmtctl(['install', 'arm64', ...source])).stdout).toContain('without flag C');
    const kept = {
      env,
      within: inShell(
        `mount --bind ${store} /mnt && mount -t tmpfs none /var/lib && mkdir /var/lib/binfmtctl && mount --bind /mnt /var/lib/binfmtctl`,
      ),
    };
    const ran = await binfmtctl(['binfmt', '--install', 'arm64,riscv64'], kept);
    expect(ran).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(
        /^installing: arm64 (OK|already registered)\ninstalling: riscv64 OK\nnote: /,
      ),
    });
    expect(entries()['qemu-aarch64']).toContain('flags: POF\n');
    expect(entries()['qemu-riscv64']).toContain('flags: POCF\n');
    expect((await binfmtctl(['install', 'arm64', '--credentials=new', ...source])).status).toBe(0);
    expect(entries()['qemu-aarch64']).toContain('flags: POF\n');
    expect((await binfmtctl(['install', 'arm64', '--credentials', ...source])).status).toBe(0);
    expect(entries()['qemu-aarch64']).toContain('flags: POCF\n');
  });

  it('takes the flags of multiarch/qemu-user-static', async () => {
    registerForeign(':qemu-broken:E::broken::/bin/true:');
    const few = join(folder, 'multiarch');
    mkdirSync(few);
    copyFileSync(join(env.QEMU_BINARY_PATH, 'qemu-riscv64-static'), join(few, 'qemu-riscv64-static'));
    const own = { env: { QEMU_BINARY_PATH: few }, within };
    const flags = async (): Promise<string | undefined> =>
      /^flags: (.*)$/m.exec(entries()['qemu-riscv64'] ?? '')?.[1];
    expect(await binfmtctl(['binfmt', '--reset', '-p', 'yes'], own)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(
        /^uninstalling: qemu-broken OK\ninstalling: riscv64 OK\nnote: without flag C/,
      ),
    });
    expect(await flags()).toBe('POF');
    const words = ['binfmt', '--reset', '--credential', 'yes', '--persistent', 'yes'];
    expect(await binfmtctl(words, own)).toMatchObject({ status: 0 });
    expect(await flags()).toBe('POCF');
  });

  it('fails where an emulator is missing or broken, and registers nothing of it', async () => {
    const ran = await binfmtctl(['binfmt', '--install', 'arm64'], {
      env: { QEMU_BINARY_PATH: '/usr/share' },
      within,
    });
    expect(ran).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^installing: arm64 no emulator /),
    });
    expect(entries()).toEqual({});
  });

  it('takes emulators whose names have a prefix, one or all that there are', async () => {
    const prefixed = join(folder, 'prefixed');
    mkdirSync(prefixed);
    for (const id of ['riscv64', 's390x'])
      copyFileSync(join(env.QEMU_BINARY_PATH, `qemu-${id}-static`), join(prefixed, `buildkit-qemu-${id}`));
    const own = { env: { QEMU_BINARY_PATH: prefixed, QEMU_BINARY_PREFIX: 'buildkit-' }, within };
    expect(await binfmtctl(['binfmt', '--install', 'arm64'], own)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^installing: arm64 .*buildkit-qemu-aarch64/),
    });
    expect(await binfmtctl(['binfmt', '--install', 'all'], own)).toMatchObject({
      status: 0,
      stderr: `installing: riscv64 OK\ninstalling: s390x OK\n${NOTE}`,
    });
    expect(Object.keys(entries()).toSorted()).toEqual(['qemu-riscv64', 'qemu-s390x']);
  });

  it.each(['arm64', 'all'])('leaves what others have registered, as long as it works: %s', async (list) => {
    registerOthers('qemu-aarch64', 'aarch64', join(emulatorFolder(), 'qemu-aarch64-static'), 'F');
    const few = join(folder, `few-${list}`);
    mkdirSync(few);
    for (const id of ['aarch64', 'riscv64'])
      copyFileSync(join(env.QEMU_BINARY_PATH, `qemu-${id}-static`), join(few, `qemu-${id}-static`));
    const ran = await binfmtctl(['binfmt', '--install', list], { env: { QEMU_BINARY_PATH: few }, within });
    const others = list === 'all' ? `installing: riscv64 OK\n${NOTE}` : '';
    expect(ran).toMatchObject({
      status: 0,
      stderr: `installing: ${list === 'all' ? 'aarch64' : list} already registered\n${others}`,
    });
    expect(entries()['qemu-aarch64']).toContain('flags: F\n');
    const broken = { env: { QEMU_BINARY_PATH: few }, within };
    removeAllEntries();
    registerOthers('qemu-aarch64', 'aarch64', '/bin/false', 'F');
    const failed = await binfmtctl(['binfmt', '--install', list], broken);
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/^installing: \S+ entry qemu-aarch64 already exists with another rule/);
    expect(failed.stderr).toMatch(/\nerror: \S+: entry qemu-aarch64 already exists .*--uninstall.*\n$/);
    expect(failed.stderr).not.toContain('--replace');
  });

  it('refuses words that are none of its own', async () => {
    expect(await run('--unknown')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^Usage of binfmt:\n[\s\S]*\nflag provided but not defined: -unknown\n$/),
    });
    expect(await run('--version')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^binfmt\/binfmtctl-/),
    });
  });
});
