/** AppImages of other architectures: ELF programs with `AI` and their type in bytes 8 to 10. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { binfmtctl } from './support/command.ts';
import { emulatorFolder, registerForeign } from './support/machine.ts';
import { startWork } from './support/work.ts';

const { at, run, store } = startWork();
const [package_ = ''] = unpackPackages('busybox-static:arm64');
const program = readFileSync(join(package_, 'bin/busybox'));
const source = ['--source', `dir:${emulatorFolder()}`];
/** Runs `uname -m`, which busybox selects by its name. */
const runIt = (...options: readonly string[]) =>
  binfmtctl(['run', '--store', store, ...options, '--', at('uname'), '-m']);

function put(...identification: readonly number[]): void {
  const bytes = Uint8Array.from(program);
  bytes.set(identification, 8);
  writeFileSync(at('uname'), bytes, { mode: 0o755 });
}

describe.each([1, 2])('an AppImage of type %i', (type) => {
  beforeEach(() => put(0x41, 0x49, type));

  it('is run by a private entry', async () => {
    expect(await runIt(...source)).toEqual({ status: 0, stdout: 'aarch64\n', stderr: '' });
    expect((await runIt(...source, '--dry-run')).stdout).toMatch(/^aarch64: .*, by an entry of its own\n/);
  });

  it('runs beside an entry whose mask does not match it', async () => {
    const escaped = (hex: string): string => hex.replace(/../g, '\\x$&');
    const magic = escaped('7f454c460201010000000000000000000200b700');
    const mask = escaped('fffffffffffffffffffffffffffffffffeffffff');
    registerForeign(`:qemu-aarch64:M::${magic}:${mask}:${join(emulatorFolder(), 'qemu-aarch64-static')}:PF`);
    expect(await runIt(...source)).toEqual({ status: 0, stdout: 'aarch64\n', stderr: '' });
  });

  it('matches the entry that install registers', async () => {
    expect(await run('install', 'arm64', ...source)).toMatchObject({ status: 0 });
    expect(execFileSync(at('uname'), ['-m'], { encoding: 'utf8' })).toBe('aarch64\n');
    expect((await runIt('--dry-run')).stdout).toMatch(/^aarch64: .*, by entry qemu-aarch64\n/);
  });
});

describe('a program with another OS ABI', () => {
  it('runs by class, byte order and machine, like native programs', async () => {
    put();
    const bytes = readFileSync(at('uname'));
    bytes[7] = 97;
    writeFileSync(at('uname'), bytes);
    expect(await runIt(...source)).toEqual({ status: 0, stdout: 'aarch64\n', stderr: '' });
  });
});
