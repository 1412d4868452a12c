import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { binfmtctl, documentOf } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerForeign,
  registerOthers,
  removeAllEntries,
  switchEntry,
  temporaryFolder,
} from './support/machine.ts';

const store = join(temporaryFolder(), 'store');
const emulators = emulatorFolder();
const source = ['--source', `dir:${emulators}`];

const run = (...words: readonly string[]) => binfmtctl([...words, '--store', store]);

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

describe('status and verify', () => {
  it('report nothing for an empty instance', async () => {
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

  it('list and verify entries of other programs', async () => {
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

  it('report a disabled entry', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    switchEntry('qemu-aarch64', 'off');
    expect((await run('status')).stdout).toMatch(/^✖ arm64 .* qemu-aarch64 .* disabled$/m);
    expect((await run('verify')).stdout).toContain('nothing to verify');
    const named = await run('verify', 'arm64');
    expect(named.status).toBe(1);
    expect(named.stdout).toMatch(/^✖ arm64 .* on the host: entry qemu-aarch64 is disabled$/m);
  });

  it('fail for a missing entry of binfmtctl, and name the command that restores it', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    removeAllEntries();
    expect((await run('status')).stdout).toContain(
      `qemu-aarch64 was registered by binfmtctl but is gone from the kernel: \`binfmtctl install arm64 --store ${store}\` registers it again`,
    );
    const verified = await run('verify');
    expect(verified.status).toBe(1);
    expect(verified.stdout).toMatch(/^✖ arm64 .* on the host: /m);
  });

  it('list the entries even if the proofs cannot be read', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    rmSync(join(store, 'proofs.json'));
    mkdirSync(join(store, 'proofs.json'));
    expect(await run('status')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /qemu-aarch64 [\s\S]*proofs\.json.*: cannot tell which entries were verified/,
      ),
    });
  });

  it('report a missing interpreter', async () => {
    registerOthers('qemu-riscv64', 'riscv64', '/none/qemu-riscv64-static', 'P');
    const status = await run('status');
    expect(status).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^✖ riscv64 .* \/none\/qemu-riscv64-static is missing$/m),
    });
    const verify = await run('verify');
    expect(verify.status).toBe(1);
    expect(verify.stdout).toMatch(/^✖ riscv64 .* on the host: \/none\/qemu-riscv64-static is missing$/m);
  });

  it('accept an entry with F whose file is missing', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    rmSync(join(store, 'sha256'), { recursive: true });
    expect(await documentOf(['status', '--store', store])).toMatchObject({
      entries: [{ interpreterExists: false, entry: { name: 'qemu-aarch64' } }],
    });
    expect((await run('status')).stdout).not.toContain('missing');
    expect(await documentOf(['verify', '--store', store])).toMatchObject({
      holds: true,
      proofs: [{ host: { holds: true }, emulator: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } }],
    });
  });

  it('report an entry that works only on the host', async () => {
    registerOthers('qemu-riscv64', 'riscv64', `${emulators}/qemu-riscv64-static`, 'P');
    const { status, stdout } = await run('verify');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^! riscv64 .*; host only: entry \S+ has no flag F$/m);
  });

  it('report an entry that was registered but is gone from the kernel', async () => {
    await documentOf(['install', 'arm64', ...source, '--store', store]);
    switchEntry('qemu-aarch64', 'gone');
    expect((await run('status')).stdout).toContain('qemu-aarch64 was registered by binfmtctl but is gone');
    await documentOf(['install', 'arm64', '--store', store]);
    expect(Object.keys(entries())).toEqual(['qemu-aarch64']);
  });

  it('report an entry that a newer one shadows', async () => {
    await documentOf(['install', 'riscv64', ...source, '--store', store]);
    registerOthers('newer', 'riscv64', '/bin/false', 'P');
    expect((await run('status')).stdout).toContain('never reached: entry newer is newer');
    expect((await run('verify')).status).toBe(1);
  });
});
