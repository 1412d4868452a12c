/** `run` with emulators from `--source`, also beside entries whose files are missing. */
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { helloForRiscv64 } from '../system/support/hello.ts';
import { binfmtctl } from './support/command.ts';
import { emulatorFolder, registerOthers } from './support/machine.ts';
import { startWork } from './support/work.ts';

const { at, store } = startWork();
const run = (command: string, ...words: readonly string[]) =>
  binfmtctl([command, '--store', store, ...words]);
const [package_ = ''] = unpackPackages('busybox-static:arm64');
const emulatorOf = (arch: string): string => join(emulatorFolder(), `qemu-${arch}-static`);
const forRiscv64 = ['--source', `path:${emulatorOf('riscv64')}`];
const emulated = { status: 0, stdout: 'aarch64\n', stderr: '' };

/** Copies an emulator, registers it with flag F, and removes the copy: only the kernel still holds it. */
function registerGone(arch: string, name = `qemu-${arch}-static`): void {
  copyFileSync(emulatorOf(arch), at(name));
  registerOthers(`qemu-${arch}`, arch, at(name), 'PF');
  rmSync(at(name));
}

/** Runs `uname -m` of arm64, through a native shell and directly. */
const inShell = (...options: readonly string[]) =>
  run('run', ...options, '--', 'sh', '-c', `${at('uname')} -m`);
const byItself = (...options: readonly string[]) => run('run', ...options, '--', at('uname'), '-m');

beforeEach(() => {
  rmSync(store, { recursive: true, force: true });
  copyFileSync(join(package_, 'bin/busybox'), at('uname'));
  mkdirSync(at('empty'));
  mkdirSync(at('riscv64'));
  copyFileSync(emulatorOf('riscv64'), at('riscv64/qemu-riscv64-static'));
});

describe('an entry whose emulator only the kernel still holds', () => {
  it.each([
    ['a file for another architecture as the source', forRiscv64],
    ['a directory without its emulator as the source', ['--source', `dir:${at('riscv64')}`]],
    ['--emulator is given', ['--emulator', 'qemu', '--source', `dir:${at('riscv64')}`]],
  ])('runs child processes if %s', async (_, options) => {
    registerGone('aarch64');
    expect(await inShell('--arch', 'riscv64', ...options)).toEqual(emulated);
    expect(await inShell('--arch', 'riscv64', ...options)).toEqual(emulated);
  });

  it('runs the program itself if --source is for the architecture of --arch', async () => {
    registerGone('aarch64');
    expect(await byItself('--arch', 'riscv64', ...forRiscv64)).toEqual(emulated);
  });

  it('runs child processes of a program with a cached emulator', async () => {
    mkdirSync(at('bin'));
    copyFileSync(emulatorOf('aarch64'), at('bin/qemu-aarch64-static'));
    const circumstances = { env: { PATH: `${at('bin')}:${process.env['PATH']}` } };
    writeFileSync(at('hello'), helloForRiscv64(), { mode: 0o755 });
    copyFileSync(at('uname'), at('sh'));
    const words = ['run', '--store', store, '--', at('sh'), '-c'];
    expect((await binfmtctl([...words, ':'], circumstances)).status).toBe(0);
    registerGone('riscv64');
    for (const _ of [1, 2])
      expect(await binfmtctl([...words, `${at('hello')}; uname -m`], circumstances)).toEqual({
        status: 0,
        stdout: 'hello from riscv64\naarch64\n',
        stderr: '',
      });
  });

  it('is reported by name if it cannot be recovered', async () => {
    registerGone('aarch64', 'unknown');
    const ran = await inShell('--arch', 'riscv64', ...forRiscv64);
    expect(ran.status).not.toBe(0);
    expect(ran.stderr).toContain(
      `warning: entry qemu-aarch64 has no effect inside: its interpreter ${at('unknown')} is not on this file system`,
    );
    expect((await inShell('--quiet', '--arch', 'riscv64', ...forRiscv64)).stderr).not.toContain('warning');
  });
});

describe('a file as the source', () => {
  it('is the emulator of the architecture in its name if several are needed', async () => {
    const sources = [...forRiscv64, '--source', `path:${emulatorOf('aarch64')}`];
    expect(await byItself('--arch', 'riscv64', ...sources)).toEqual(emulated);
  });

  it('is refused if several architectures are needed and its name contains none', async () => {
    renameSync(at('riscv64/qemu-riscv64-static'), at('emulator'));
    const { status, stderr } = await byItself('--arch', 'riscv64', '--source', `path:${at('emulator')}`);
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringMatching(
        /emulator is a single emulator, but 2 architectures are requested: aarch64, riscv64\n/,
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
      /cannot use .*qemu-riscv64-static as the emulator: it does not run aarch64 programs: Invalid ELF image/,
    );
  });
});

describe('--all with a source that has no emulator', () => {
  it('is refused by run, as by install and bundle', async () => {
    const words = ['--all', '--source', `dir:${at('empty')}`];
    const message = `no emulator found for any architecture in dir:${at('empty')}`;
    const refused = (ran: { stderr: string }) => expect(ran.stderr).toContain(message);
    const ran = await run('run', ...words, '--', '/bin/echo', 'ran');
    expect(ran).toMatchObject({ status: 125, stdout: '' });
    refused(ran);
    refused(await run('install', ...words));
    refused(await run('bundle', ...words, '-o', at('b.tar')));
  });
});
