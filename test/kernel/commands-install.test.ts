import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { binfmtctl, documentOf, expectRefusal } from './support/command.ts';
import {
  BINFMT,
  emulatorFolder,
  entries,
  registerOthers,
  removeAllEntries,
  snapshot,
  switchEntry,
  temporaryFolder,
} from './support/machine.ts';

const store = join(temporaryFolder(), 'store');
const emulators = emulatorFolder();
const source = ['--source', `dir:${emulators}`];

const run = (...words: readonly string[]) => binfmtctl([...words, '--store', store]);
const inodeOf = (entry: string): number => statSync(join(BINFMT, entry)).ino;

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

describe('install', () => {
  it('changes nothing the second time, and reports that', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    const [before, inode] = [snapshot(store), inodeOf('qemu-aarch64')];
    // From the store, from the named source, and by another spelling.
    const again = await documentOf(['install', 'linux/arm64', '--store', store]);
    expect(again).toMatchObject({ steps: [], unchanged: ['aarch64'], proofs: [{ entry: 'qemu-aarch64' }] });
    expect((await run('install', 'aarch64', ...source)).status).toBe(0);
    expect((await run('install', 'arm64')).stdout).toContain('arm64  already works: qemu');
    expect([snapshot(store), inodeOf('qemu-aarch64')]).toEqual([before, inode]);
  });

  it('prints the steps of a dry run and changes nothing', async () => {
    const [fetch, all] = await Promise.all([
      run('install', 'arm64', ...source, '--dry-run'),
      run('install', 'arm64', 'riscv64', '--emulator', 'qemu', '--dry-run'),
    ]);
    for (const { status, stdout } of [fetch, all]) {
      expect(status).toBe(0);
      expect(stdout).toMatch(/^would .*(aarch64|arm64)/);
    }
    expect([existsSync(store), entries()]).toEqual([false, {}]);
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    const before = snapshot(store);
    const again = await run('install', 'arm64', '--credentials', '--dry-run');
    expect(again).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^would register .*qemu-aarch64.*C/m),
    });
    expect(await run('uninstall', '--all', '--purge', '--dry-run')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^would remove entry qemu-aarch64 .*\nwould delete /),
    });
    expect(snapshot(store)).toEqual(before);
  });

  it("gives set-user-ID programs their owner's rights with --credentials, as verify confirms", async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    expect(await documentOf(['verify', '--store', store])).toMatchObject({
      proofs: [{ credentials: { holds: null } }],
    });
    await documentOf(['install', 'arm64', '--credentials', '--store', store]);
    expect(entries()['qemu-aarch64']).toMatch(/^flags: POCF$/m);
    expect(await documentOf(['verify', '--store', store])).toMatchObject({
      holds: true,
      proofs: [{ credentials: { holds: true } }],
    });
    // Without the option, the flag stays, with a warning.
    const { stderr } = await run('install', 'arm64', ...source);
    expect(stderr).toMatch(/^warning: entry qemu-aarch64 keeps flag C/m);
    expect(entries()['qemu-aarch64']).toMatch(/^flags: POCF$/m);
  });

  it('registers with --credentials even if no other user is mapped', async () => {
    const mount = 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && exec "$@"';
    const within = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', mount, 'sh'];
    const words = ['install', 'arm64', '--credentials', ...source, '--store', store];
    const why = 'user 65534 does not exist in this user namespace';
    expect(await documentOf(words, { within })).toMatchObject({
      proofs: [{ host: { holds: true }, credentials: { holds: null, why } }],
    });
  });

  it('registers without a probe with --no-verify', async () => {
    const result = await documentOf(['install', 'arm64', ...source, '--no-verify', '--store', store]);
    expect(result).toMatchObject({ proofs: [] });
    const status = await documentOf(['status', '--store', store]);
    expect(status).toMatchObject({ entries: [{ entry: { name: 'qemu-aarch64' }, ours: true, proof: null }] });
  });

  it("keeps another program's entry of that name without --replace", async () => {
    registerOthers('qemu-riscv64', 'riscv64', '/bin/false', 'P');
    const before = entries();
    await expectRefusal(['install', 'riscv64', ...source, '--store', store], {
      status: 1,
      code: 'ENTRY_NOT_OURS',
      message: /entry qemu-riscv64/,
      hint: /--replace/,
    });
    expect(entries()).toEqual(before);
    expect(existsSync(join(store, 'sha256')) ? readdirSync(join(store, 'sha256')) : []).toEqual(['lock']);
    await documentOf(['install', 'riscv64', ...source, '--replace', '--store', store]);
    expect(entries()['qemu-riscv64']).toContain(`interpreter ${store}/sha256/`);
    expect(Object.keys(entries())).toEqual(['qemu-riscv64']);
  });

  it("keeps an entry that another program put in the place of binfmtctl's without --replace", async () => {
    await documentOf(['install', 'riscv64', ...source, '--store', store]);
    switchEntry('qemu-riscv64', 'gone');
    registerOthers('qemu-riscv64', 'riscv64', '/bin/false', 'P');
    const before = entries();
    const { status, stderr } = await run('install', 'riscv64', ...source);
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('--replace') });
    expect(entries()).toEqual(before);
    expect((await run('install', 'riscv64', ...source, '--replace')).status).toBe(0);
  });

  it('fails with --all if no emulator is found, but not if all architectures work already', async () => {
    const empty = join(temporaryFolder(), 'empty');
    mkdirSync(empty);
    await expectRefusal(['install', '--all', '--source', `dir:${empty}`, '--store', store], {
      status: 1,
      code: 'EMULATOR_NOT_FOUND',
      message: /no emulator found for any architecture in dir:.*empty/,
      hint: /--source/,
    });
    const some = join(temporaryFolder(), 'some');
    mkdirSync(some);
    copyFileSync(join(emulators, 'qemu-riscv64-static'), join(some, 'qemu-riscv64-static'));
    for (const _ of ['once', 'again'])
      expect((await run('install', '--all', '--source', `dir:${some}`)).status).toBe(0);
  });

  it("reports each source's reason", async () => {
    const empty = join(temporaryFolder(), 'empty');
    mkdirSync(empty);
    const sources = ['--source', `dir:${empty}`, '--source', `dir:${empty}/missing`];
    await expectRefusal(['install', 'riscv64', ...sources, '--store', store], {
      status: 2,
      code: 'BAD_SOURCE',
      message: /dir:.*empty has no emulator for riscv64; .*not a directory: .*\/missing/,
      hint: /dir:DIR/,
    });
  });

  it('keeps an entry that already works, whoever registered it', async () => {
    registerOthers('riscv', 'riscv64', `${emulators}/qemu-riscv64-static`, 'PF');
    const inode = inodeOf('riscv');
    expect(await documentOf(['install', 'riscv64', '--store', store])).toMatchObject({
      steps: [],
      unchanged: ['riscv64'],
      proofs: [{ entry: 'riscv' }],
    });
    expect(inodeOf('riscv')).toBe(inode);
  });

  it('replaces its disabled entry', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    switchEntry('qemu-aarch64', 'off');
    await documentOf(['install', 'arm64', '--store', store]);
    expect(entries()['qemu-aarch64']).toMatch(/^enabled\n/);
    expect(Object.keys(entries())).toEqual(['qemu-aarch64']);
  });
});
