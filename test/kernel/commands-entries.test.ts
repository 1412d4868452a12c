import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { binfmtctl, documentOf, expectRefusal } from './support/command.ts';
import {
  BINFMT,
  emulatorFolder,
  entries,
  registerForeign,
  removeAllEntries,
  snapshot,
  switchEntry,
  temporaryFolder,
} from './support/machine.ts';

const store = temporaryFolder();
const emulators = emulatorFolder();
const source = ['--source', `dir:${emulators}`];

const run = (...words: readonly string[]) => binfmtctl([...words, '--store', store]);
const inodeOf = (entry: string): number => statSync(join(BINFMT, entry)).ino;

/** Registers an entry of another maker that takes the programs of an arch. */
function registerOthers(name: string, arch: string, interpreter: string, flags: string): void {
  const { magic = '', mask = '' } = builtinCatalogue().arches[arch] ?? {};
  const escaped = (hex: string): string => hex.replace(/../g, '\\x$&');
  registerForeign(`:${name}:M::${escaped(magic)}:${escaped(mask)}:${interpreter}:${flags}`);
}

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

describe('install', () => {
  it('changes nothing the second time, and says so', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    const [before, inode] = [snapshot(store), inodeOf('qemu-aarch64')];
    // From the store, from the source that was named, and by a spelling of another kind.
    const again = await documentOf(['install', 'linux/arm64', '--store', store]);
    expect(again).toMatchObject({ steps: [], unchanged: ['aarch64'], proofs: [{ entry: 'qemu-aarch64' }] });
    expect((await run('install', 'aarch64', ...source)).status).toBe(0);
    expect((await run('install', 'arm64')).stdout).toContain('aarch64 works already: qemu-aarch64');
    expect([snapshot(store), inodeOf('qemu-aarch64')]).toEqual([before, inode]);
  });

  it('prints the steps of a dry run and changes nothing', async () => {
    const [fetch, all] = await Promise.all([
      run('install', 'arm64', ...source, '--dry-run'),
      run('install', 'arm64', 'riscv64', '--emulator', 'qemu', '--dry-run'),
    ]);
    for (const { status, stdout } of [fetch, all]) {
      expect(status).toBe(0);
      expect(stdout).toMatch(/^would .*aarch64/);
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

  it('gives set-user-id programs their owner with --credentials, which verify proves', async () => {
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
    // Without the word the flag stays, and it is said that it does.
    const { stderr } = await run('install', 'arm64', ...source);
    expect(stderr).toMatch(/^warning: entry qemu-aarch64 has flag C/m);
    expect(entries()['qemu-aarch64']).toMatch(/^flags: POCF$/m);
  });

  it('registers without proof with --no-verify', async () => {
    const result = await documentOf(['install', 'arm64', ...source, '--no-verify', '--store', store]);
    expect(result).toMatchObject({ proofs: [] });
    const status = await documentOf(['status', '--store', store]);
    expect(status).toMatchObject({ entries: [{ entry: { name: 'qemu-aarch64' }, ours: true, proof: null }] });
  });

  it('leaves an entry of that name that others made, unless --replace says so', async () => {
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

  it('leaves what serves the architecture already, whoever made it', async () => {
    registerOthers('riscv', 'riscv64', `${emulators}/qemu-riscv64-static`, 'PF');
    const inode = inodeOf('riscv');
    expect(await documentOf(['install', 'riscv64', '--store', store])).toMatchObject({
      steps: [],
      unchanged: ['riscv64'],
      proofs: [{ entry: 'riscv' }],
    });
    expect(inodeOf('riscv')).toBe(inode);
  });

  it('takes the place of a disabled entry of its own', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    switchEntry('qemu-aarch64', 'off');
    await documentOf(['install', 'arm64', '--store', store]);
    expect(entries()['qemu-aarch64']).toMatch(/^enabled\n/);
    expect(Object.keys(entries())).toEqual(['qemu-aarch64']);
  });
});

describe('uninstall', () => {
  beforeEach(async () => {
    await documentOf(['install', 'arm64,riscv64,s390x', ...source, '--no-verify', '--store', store]);
    registerOthers('qemu-hppa', 'hppa', '/bin/false', 'P');
    registerForeign(':own:E::own::/bin/false:');
  });

  const left = (): readonly string[] => Object.keys(entries()).toSorted();

  it('takes back arches and entries by name', async () => {
    const { status, stdout } = await run('uninstall', 'linux/arm64', 'qemu-s390x');
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^remove entry qemu-aarch64 (.*\n)+remove entry qemu-s390x /),
    });
    expect(left()).toEqual(['own', 'qemu-hppa', 'qemu-riscv64']);
    expect(readdirSync(join(store, 'registrations'))).toEqual(['qemu-riscv64.json']);
  });

  it('takes globs of its own names only', async () => {
    expect((await run('uninstall', 'qemu-*')).status).toBe(0);
    expect(left()).toEqual(['own', 'qemu-hppa']);
    expect((await run('uninstall', '*')).stdout).toBe('nothing to take back\n');
    expect(left()).toEqual(['own', 'qemu-hppa']);
  });

  it('takes back all of its own, with the emulators, and again without a complaint', async () => {
    expect((await run('uninstall', '--all', '--purge')).status).toBe(0);
    expect(left()).toEqual(['own', 'qemu-hppa']);
    expect(snapshot(store).files).toEqual({});
    expect(await run('uninstall', '--all', '--purge')).toEqual({
      status: 0,
      stdout: 'nothing to take back\n',
      stderr: '',
    });
  });

  it('removes an entry of others only where it is named', async () => {
    await expectRefusal(['uninstall', 'hppa', '--store', store], {
      status: 1,
      code: 'ENTRY_NOT_OURS',
      message: /hppa is served by entry qemu-hppa, which binfmtctl did not make/,
      hint: /binfmtctl uninstall qemu-hppa/,
    });
    expect(left()).toHaveLength(5);
    expect((await run('uninstall', 'qemu-hppa', 'own')).status).toBe(0);
    expect(left()).toEqual(['qemu-aarch64', 'qemu-riscv64', 'qemu-s390x']);
  });

  it('leaves what others have put in the place of its own', async () => {
    switchEntry('qemu-riscv64', 'gone');
    registerOthers('qemu-riscv64', 'riscv64', '/bin/false', 'P');
    expect((await run('uninstall', '--all')).status).toBe(0);
    expect(left()).toEqual(['own', 'qemu-hppa', 'qemu-riscv64']);
  });

  it('finds nothing of an arch that has no entry', async () => {
    expect(await run('uninstall', 'sh4')).toMatchObject({ status: 0, stdout: 'nothing to take back\n' });
    expect(left()).toHaveLength(5);
  });
});

describe('status and verify', () => {
  it('have nothing to say of an empty instance', async () => {
    expect(await documentOf(['status', '--store', store])).toMatchObject({
      entries: [],
      gone: [],
      halfDone: false,
    });
    expect(await run('verify')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('nothing to verify'),
    });
    expect(existsSync(store)).toBe(false);
  });

  it('tell entries of others, and prove them too', async () => {
    registerOthers('riscv', 'riscv64', `${emulators}/qemu-riscv64-static`, 'PF');
    registerForeign(':own:E::own::/bin/false:');
    expect(await documentOf(['status', '--store', store])).toMatchObject({
      entries: [
        { entry: { name: 'own' }, arch: null, ours: false },
        { entry: { name: 'riscv' }, arch: 'riscv64', ours: false, emulator: 'qemu' },
      ],
    });
    expect(await documentOf(['verify', '--store', store])).toMatchObject({
      proofs: [{ arch: 'riscv64', entry: 'riscv', chroot: { holds: true } }],
    });
  });

  it('tell a disabled entry', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    switchEntry('qemu-aarch64', 'off');
    expect((await run('status')).stdout).toContain('qemu-aarch64 (disabled)');
    expect((await run('verify')).stdout).toContain('nothing to verify');
    const named = await run('verify', 'arm64');
    expect(named.status).toBe(1);
    expect(named.stdout).toMatch(/aarch64: on the host: nothing here can execute it/);
  });

  it('tell an entry whose interpreter is gone', async () => {
    registerOthers('qemu-riscv64', 'riscv64', '/none/qemu-riscv64-static', 'P');
    const status = await run('status');
    expect(status).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('broken: the interpreter is not there'),
    });
    const verify = await run('verify');
    expect(verify.status).toBe(1);
    expect(verify.stdout).toMatch(/^riscv64: on the host: .*/m);
  });

  it('know that an entry with F works without its file', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    rmSync(join(store, 'sha256'), { recursive: true });
    expect(await documentOf(['status', '--store', store])).toMatchObject({
      entries: [{ interpreterExists: false, entry: { name: 'qemu-aarch64' } }],
    });
    expect((await run('status')).stdout).not.toContain('broken');
    expect(await documentOf(['verify', '--store', store])).toMatchObject({
      holds: true,
      proofs: [{ host: { holds: true }, emulator: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } }],
    });
  });

  it('tell an entry that works on the host alone', async () => {
    registerOthers('qemu-riscv64', 'riscv64', `${emulators}/qemu-riscv64-static`, 'P');
    const { status, stdout } = await run('verify');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^riscv64: in an empty chroot: /m);
    expect(stdout).not.toMatch(/^riscv64: on the host: /m);
  });

  it('tell what was registered here but is gone from the kernel', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    switchEntry('qemu-aarch64', 'gone');
    expect((await run('status')).stdout).toContain('qemu-aarch64 was registered by binfmtctl but is gone');
    await documentOf(['install', 'arm64', '--store', store]);
    expect(Object.keys(entries())).toEqual(['qemu-aarch64']);
  });

  it('tell an entry that a newer one keeps from being reached', async () => {
    await documentOf(['install', 'riscv64', ...source, '--store', store]);
    registerOthers('newer', 'riscv64', '/bin/false', 'P');
    expect((await run('status')).stdout).toContain('never reached: newer is newer');
    expect((await run('verify')).status).toBe(1);
  });
});
