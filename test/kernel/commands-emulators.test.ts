import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram, code, FOREIGN, fakeQemu } from '../integration/fixtures/programs.ts';
import { binfmtctl, documentOf, expectRefusal, type Ran } from './support/command.ts';
import { emulatorFolder, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const store = temporaryFolder();
const emulators = emulatorFolder();
const at = (name: string): string => join(folder, name);
let before: ReturnType<typeof snapshot>;
let hanging: Promise<Ran>;

beforeAll(async () => {
  await documentOf(['install', 'arm64', '--source', `dir:${emulators}`, '--store', store]);
  before = snapshot(store);
  makeUnfit();
  // It takes its whole time limit, so the other tests run meanwhile. It locks its store, so they use another one.
  hanging = binfmtctl(['install', 's390x', '--source', `path:${at('hangs')}`, '--store', at('other-store')]);
});
afterAll(async () => {
  await hanging;
  removeAllEntries();
});

function makeUnfit(): void {
  const write = (name: string, bytes: Uint8Array | string, mode = 0o755): void => {
    writeFileSync(at(name), bytes);
    chmodSync(at(name), mode);
  };
  write('script', '#!/bin/sh\nexec true\n');
  write('empty', '');
  write('foreign', buildProgram(code.print('qemu-s390x version 7.2.0\n'), { identity: FOREIGN }));
  write('dynamic', buildProgram(code.print('qemu-s390x version 7.2.0\n'), { interpreter: '/lib/ld.so' }));
  write('crashes', buildProgram(code.crash));
  write('hangs', buildProgram(code.hang));
  write('pretends', fakeQemu());
  write('open', fakeQemu(), 0o777);
  write('group', fakeQemu(), 0o775);
  write('plain', fakeQemu(), 0o644);
  copyFileSync(join(emulators, 'qemu-s390x-static'), at('cut'));
  truncateSync(at('cut'), 40);
  copyFileSync(join(emulators, 'qemu-s390x-static'), at('half'));
  truncateSync(at('half'), statSync(at('half')).size >> 1);
  mkdirSync(at('directory'));
  mkdirSync(at('open-folder'));
  chmodSync(at('open-folder'), 0o777);
  write('open-folder/qemu-s390x-static', fakeQemu());
  symlinkSync('gone', at('dangling'));
  symlinkSync('loop', at('loop'));
}

type Case = readonly [name: string, code: string, message: RegExp, hint: RegExp];

const UNFIT: readonly Case[] = [
  ['missing', 'EMULATOR_NOT_FOUND', /missing: no such file/, /--source/],
  ['dangling', 'EMULATOR_NOT_FOUND', /dangling: it links to gone, which does not exist/, /--source/],
  ['loop', 'FILE_FAILED', /loop: too many symbolic links/, /namei/],
  ['directory', 'EMULATOR_UNFIT', /cannot use .*directory as the emulator: it is a directory/, /--source/],
  ['plain', 'EMULATOR_UNFIT', /cannot use .*plain as the emulator: it is not executable/, /--source/],
  ['script', 'NOT_ELF', /cannot use .*script as the emulator/, /use an ELF program/],
  ['empty', 'NOT_ELF', /cannot use .*empty as the emulator/, /use an ELF program/],
  ['cut', 'BAD_ELF', /cannot use .*cut as the emulator/, /use an ELF program/],
  ['half', 'EMULATOR_UNFIT', /cannot use .*half as the emulator: it (crashes|cannot be started)/, /--source/],
  [
    'foreign',
    'EMULATOR_UNFIT',
    /cannot use .*foreign as the emulator: it is built for s390x, which this machine does not run/,
    /built for this/,
  ],
  [
    'dynamic',
    'EMULATOR_UNFIT',
    /cannot use .*dynamic as the emulator: it requires \/lib\/ld\.so/,
    /static build/,
  ],
  ['crashes', 'EMULATOR_UNFIT', /cannot use .*crashes as the emulator: it crashes with SIGILL/, /--source/],
  ['open', 'EMULATOR_UNFIT', /cannot use .*open as the emulator: it can be written by others/, /copy it to/],
  [
    'group',
    'EMULATOR_UNFIT',
    /cannot use .*group as the emulator: it can be written by others/,
    /copy it to/,
  ],
  [
    'open-folder/qemu-s390x-static',
    'EMULATOR_UNFIT',
    /open-folder can be written by others/,
    /only root can change/,
  ],
];

const install = (arch: string, source: string, ...more: readonly string[]): readonly string[] => [
  ...['install', arch, '--source', source, '--store', store],
  ...more,
];

describe('an emulator given as the source', () => {
  it.each(UNFIT)('is refused: %s', async (name, code, message, hint) => {
    await expectRefusal(install('s390x', `path:${at(name)}`), { status: 1, code, message, hint });
    expect(snapshot(store)).toEqual(before);
  });

  it('is unfit in a directory as well', async () => {
    const expected = {
      status: 1,
      code: 'EMULATOR_UNFIT',
      message: /can be written by others/,
      hint: /only root can change/,
    } as const;
    await expectRefusal(install('s390x', `dir:${at('open-folder')}`), expected);
    expect(snapshot(store)).toEqual(before);
  });

  it('is unregistered if it runs no programs', async () => {
    await expectRefusal(install('s390x', `path:${at('pretends')}`), {
      status: 1,
      code: 'NOT_PROVED',
      message: /^probe failed; registration rolled back: s390x: on the host: .*exited with status/,
      hint: /try another emulator/,
    });
    expect(snapshot(store)).toEqual(before);
  });

  it('is unregistered if it is for another architecture', async () => {
    await expectRefusal(install('s390x', `path:${emulators}/qemu-riscv64-static`), {
      status: 1,
      code: 'NOT_PROVED',
      message: /s390x: on the host: .*Invalid ELF image/,
      hint: /try another emulator/,
    });
    expect(snapshot(store)).toEqual(before);
  });

  it.each(['pretends', 'crashes', 'missing'])('does not replace a working entry: %s', async (name) => {
    const ran = await binfmtctl(install('arm64', `path:${at(name)}`, '--replace'));
    expect(ran.status).toBe(1);
    expect(snapshot(store)).toEqual(before);
    expect((await binfmtctl(['verify', 'arm64', '--store', store])).status).toBe(0);
  });

  it('may be dynamic with --emulator', async () => {
    const words = install('s390x', `path:${at('dynamic')}`, '--emulator', 'qemu', '--no-verify');
    const ran = await binfmtctl(words);
    // It cannot be started because its loader is missing, not because it is dynamic.
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('cannot be started (ENOENT)') });
    expect(snapshot(store)).toEqual(before);
  });

  it('is rejected if it hangs', async () => {
    const { status, stderr } = await hanging;
    expect(status).toBe(1);
    expect(stderr).toMatch(/^binfmtctl: .*hangs did not report its version within 30 s\nhint: .*\n$/m);
    expect(snapshot(at('other-store')).files).toEqual({});
    expect(snapshot(store)).toEqual(before);
  });
});
