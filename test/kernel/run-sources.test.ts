/** Which emulators `run` takes from `--source`. */
import { copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { binfmtctl } from './support/command.ts';
import { emulatorFolder } from './support/machine.ts';
import { startWork } from './support/work.ts';

const { at, store } = startWork();
const run = (command: string, ...words: readonly string[]) =>
  binfmtctl([command, '--store', store, ...words]);
const [package_ = ''] = unpackPackages('busybox-static:arm64');
const emulatorOf = (arch: string): string => join(emulatorFolder(), `qemu-${arch}-static`);
const forRiscv64 = ['--source', `path:${emulatorOf('riscv64')}`];
const emulated = { status: 0, stdout: 'aarch64\n', stderr: '' };

/** Runs `uname -m` of arm64. */
const byItself = (...options: readonly string[]) => run('run', ...options, '--', at('uname'), '-m');

beforeEach(() => {
  rmSync(store, { recursive: true, force: true });
  copyFileSync(join(package_, 'bin/busybox'), at('uname'));
  mkdirSync(at('riscv64'));
  copyFileSync(emulatorOf('riscv64'), at('riscv64/qemu-riscv64-static'));
});

describe('a file as the source', () => {
  it('is the emulator of the architecture in its name where several are needed', async () => {
    const sources = [...forRiscv64, '--source', `path:${emulatorOf('aarch64')}`];
    expect(await byItself('--arch', 'riscv64', ...sources)).toEqual(emulated);
  });

  it('is refused where several architectures are needed and its name tells of none', async () => {
    renameSync(at('riscv64/qemu-riscv64-static'), at('emulator'));
    const { status, stderr } = await byItself('--arch', 'riscv64', '--source', `path:${at('emulator')}`);
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringMatching(
        /emulator is one emulator, but 2 architectures are needed: aarch64, riscv64\n/,
      ),
    });
  });

  it.each([
    ['run', () => byItself(...forRiscv64)],
    ['bundle', () => run('bundle', 'arm64', ...forRiscv64, '-o', at('b.tar'))],
    ['lock', () => run('lock', '--update', 'arm64', ...forRiscv64, '--lock-file', at('own.lock'))],
  ])('is refused by %s if it does not run programs of the architecture', async (_, command) => {
    const { status, stderr } = await command();
    expect(status).not.toBe(0);
    expect(stderr).toMatch(
      /qemu-riscv64-static cannot be the emulator: it does not run aarch64 programs: .*Invalid ELF image/,
    );
  });
});
