import { readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { binfmtctl, documentOf, expectRefusal } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerForeign,
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

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

describe('uninstall', () => {
  beforeEach(async () => {
    await documentOf(['install', 'arm64,riscv64,s390x', ...source, '--no-verify', '--store', store]);
    registerOthers('qemu-hppa', 'hppa', '/bin/false', 'P');
    registerForeign(':own:E::own::/bin/false:');
  });

  const left = (): readonly string[] => Object.keys(entries()).toSorted();

  it('removes architectures and entries by name', async () => {
    const { status, stdout } = await run('uninstall', 'linux/arm64', 'qemu-s390x');
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(
        /^✔ removed 2 entries: qemu-aarch64, qemu-s390x\nEmulators stay in the store \(\d+\.\d MB\); --purge removes them\.\n$/,
      ),
    });
    expect(left()).toEqual(['own', 'qemu-hppa', 'qemu-riscv64']);
    expect(readdirSync(join(store, 'registrations'))).toEqual(['qemu-riscv64.json']);
  });

  it('matches globs only with its own entries', async () => {
    expect((await run('uninstall', 'qemu-*')).status).toBe(0);
    expect(left()).toEqual(['own', 'qemu-hppa']);
    expect((await run('uninstall', '*')).stdout).toBe('nothing to remove\n');
    expect(left()).toEqual(['own', 'qemu-hppa']);
  });

  it('removes all its entries and emulators, and succeeds again', async () => {
    expect((await run('uninstall', '--all', '--purge')).status).toBe(0);
    expect(left()).toEqual(['own', 'qemu-hppa']);
    expect(snapshot(store).files).toEqual({});
    expect(await run('uninstall', '--all', '--purge')).toEqual({
      status: 0,
      stdout: 'nothing to remove\n',
      stderr: '',
    });
  });

  it("removes another program's entry only if it is named", async () => {
    await expectRefusal(['uninstall', 'hppa', '--store', store], {
      status: 1,
      code: 'ENTRY_NOT_OURS',
      message: /cannot uninstall hppa: its entry qemu-hppa was not registered by binfmtctl/,
      hint: /binfmtctl uninstall qemu-hppa/,
    });
    expect(left()).toHaveLength(5);
    expect((await run('uninstall', 'qemu-hppa', 'own')).status).toBe(0);
    expect(left()).toEqual(['qemu-aarch64', 'qemu-riscv64', 'qemu-s390x']);
  });

  it('keeps an entry that replaced its own', async () => {
    switchEntry('qemu-riscv64', 'gone');
    registerOthers('qemu-riscv64', 'riscv64', '/bin/false', 'P');
    expect((await run('uninstall', '--all')).status).toBe(0);
    expect(left()).toEqual(['own', 'qemu-hppa', 'qemu-riscv64']);
  });

  it('reports a damaged registration and keeps its entry, but removes both if the entry is named', async () => {
    const note = join(store, 'registrations', 'qemu-riscv64.json');
    truncateSync(note, 20);
    for (const words of [['--all', '--purge'], ['qemu-*']]) {
      const { status, stderr } = await run('uninstall', ...words);
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringMatching(
          /^left: entry qemu-riscv64, .*qemu-riscv64\.json is damaged\nhint: `binfmtctl uninstall qemu-riscv64/m,
        ),
      });
      expect(left()).toEqual(['own', 'qemu-hppa', 'qemu-riscv64']);
    }
    // The damaged one may need any of the emulators.
    expect(Object.keys(snapshot(store).files).filter((path) => path.includes('sha256'))).toHaveLength(3);
    await expectRefusal(['uninstall', 'riscv64', '--store', store], {
      status: 1,
      code: 'STORE_FAILED',
      message:
        /cannot determine whether binfmtctl registered entry qemu-riscv64: .*qemu-riscv64\.json is damaged/,
      hint: /binfmtctl uninstall qemu-riscv64/,
    });
    expect((await run('uninstall', 'qemu-riscv64', '--purge')).status).toBe(0);
    expect(left()).toEqual(['own', 'qemu-hppa']);
    expect(snapshot(store).files).toEqual({});
  });

  it('removes nothing for an architecture without an entry', async () => {
    expect(await run('uninstall', 'sh4')).toMatchObject({ status: 0, stdout: 'nothing to remove\n' });
    expect(left()).toHaveLength(5);
  });
});
