/** `run` with files that are not programs of a known architecture. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { binfmtctl } from './support/command.ts';
import { emulatorFolder, registerForeign } from './support/machine.ts';
import { startWork } from './support/work.ts';

const { at, put, store } = startWork();
const executable = (name: string, bytes: string | Uint8Array): string => {
  writeFileSync(at(name), bytes, { mode: 0o755 });
  return at(name);
};
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const start = (file: string, ...options: readonly string[]) =>
  binfmtctl(['run', '--store', store, ...options, file, 'a b', '--x']);

const EXE = latin1(`MZ${'\0'.repeat(58)}\x80\0\0\0${'\0'.repeat(64)}PE\0\0${'\0'.repeat(300)}`);

describe('a file without an emulator', () => {
  it.each([
    ['a Windows program', 'a.exe', EXE, /no entry runs it, and no emulator .*\nhint: install .* wine\n/],
    ['a PNG image', 'a.png', latin1('\x89PNG\r\n'), /, not an executable\nhint: /],
    ['a zip archive', 'a.zip', latin1('PK\x03\x04'), /, not an executable\nhint: /],
    ['an ELF file for an unknown architecture', 'odd', odd(), / \(e_machine 4711\), not an executable\n/],
    ['a file of unknown format', 'data', latin1('\x01\x02'), /, not an executable\n/],
  ])('is refused with its kind: %s', async (kind, name, bytes, rest) => {
    const file = executable(name, bytes);
    const catalogue = catalogueWith('windows', '/nowhere/wine');
    const ran = await start(file, '--catalogue', catalogue);
    expect(ran).toMatchObject({ status: 126, stdout: '' });
    expect(ran.stderr).toContain(`binfmtctl: cannot execute ${file}: ${kind}`);
    expect(ran.stderr).toMatch(rest);
    expect(await start(file, '--catalogue', catalogue, '--dry-run')).toEqual(ran);
  });

  it('is refused as the interpreter of a script', async () => {
    executable('image', latin1('\x89PNG\r\n'));
    const ran = await start(executable('script', `#!${at('image')}\n`));
    expect(ran.status).toBe(126);
    expect(ran.stderr).toContain(`its interpreter ${at('image')} is a PNG image, not an executable`);
  });
});

describe('a program of a format of the catalogue', () => {
  const emulator = (): string => executable('wine', '#!/bin/sh\nprintf "<%s>" "$0" "$@"\n');

  it('runs with the installed emulator', async () => {
    const catalogue = catalogueWith('windows', emulator());
    const file = executable('a.exe', EXE);
    const given = { status: 0, stdout: `<${at('wine')}><${file}><a b><--x>`, stderr: '' };
    expect(await start(file, '--catalogue', catalogue)).toEqual(given);
    expect(await start(file, '--catalogue', catalogue, '--dry-run')).toEqual({
      status: 0,
      stdout: `windows: ${at('wine')}, started directly, without an entry\n`,
      stderr: '',
    });
  });

  it('runs beside an instance for other architectures', async () => {
    const catalogue = catalogueWith('windows', emulator());
    const file = executable('a.exe', EXE);
    const others = ['--arch', 'riscv64', '--source', `dir:${emulatorFolder()}`];
    const ran = await start(file, '--catalogue', catalogue, ...others);
    expect(ran).toMatchObject({ status: 0, stdout: `<${at('wine')}><${file}><a b><--x>` });
  });

  it('runs through the matching entry, also by extension', async () => {
    registerForeign(`:other:E::exe::${emulator()}:`);
    const file = executable('a.exe', EXE);
    const catalogue = catalogueWith('windows', '/nowhere/wine');
    const given = { status: 0, stdout: `<${at('wine')}><${file}><a b><--x>`, stderr: '' };
    expect(await start(file, '--catalogue', catalogue)).toEqual(given);
    const { stdout } = await start(file, '--catalogue', catalogue, '--dry-run', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      arches: [],
      formats: [{ format: 'windows', by: 'entry', entry: 'other', emulator: at('wine') }],
    });
  });
});

describe('a text without a #! line', () => {
  it('runs in a shell, as with execvp(3)', async () => {
    const file = executable('text', 'printf "<%s>" "$@"\n');
    expect(await start(file)).toEqual({ status: 0, stdout: '<a b><--x>', stderr: '' });
    expect((await start(file, '--dry-run')).stdout).toBe('script: /bin/sh, for a text without a #! line\n');
  });

  it('may be an APE program', async () => {
    const ape = executable('ape', `MZqFpD='\n\0\0\x01'\nprintf "<%s>" "$@"\nexit 0\n`);
    expect(await start(ape)).toMatchObject({ status: 0, stdout: '<a b><--x>' });
  });
});

/** A catalogue in which a format has another interpreter. */
function catalogueWith(id: string, interpreter: string): string {
  const text = readFileSync(`profiles/format/${id}.yaml`, 'utf8').replace(
    /interpreters:\n(?: {2}.*\n)+/,
    `interpreters:\n  - { path: ${interpreter}, package: wine }\n`,
  );
  return put(`${id}.yaml`, text).replace(/\/[^/]*$/, '');
}

/** An executable ELF header with an unused machine number. */
function odd(): Uint8Array {
  const head = new Uint8Array(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.set([2, 0, 0x67, 0x12], 16);
  return head;
}
