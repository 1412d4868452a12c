import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram, code, FOREIGN } from '../integration/fixtures/programs.ts';
import { binfmtctl, documentOf, expectRefusal, inShell } from './support/command.ts';
import { emulatorFolder, entries, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';

interface Bundled {
  readonly file: string;
  readonly sha256: string;
  readonly size: number;
  readonly host: string;
  readonly emulators: readonly { readonly guest: string; readonly version: string | null }[];
  readonly proved: boolean;
  readonly missing: readonly { readonly arch: string }[];
}

const folder = temporaryFolder();
const store = temporaryFolder();
const emulators = emulatorFolder();
const at = (name: string): string => join(folder, name);
const host = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const file = at('two.tar');

const bundle = (name: string, ...words: readonly string[]): readonly string[] => [
  ...['bundle', '-o', at(name), '--store', store],
  ...words,
];
const install = (...words: readonly string[]): readonly string[] => ['install', ...words, '--store', store];
const fromDebian = ['--source', `dir:${emulators}`];
const uninstall = (): Promise<unknown> => documentOf(['uninstall', '--all', '--purge', '--store', store]);

/** A directory with one emulator, which reports to be QEMU for arm64. */
function folderWith(name: string, program: Uint8Array): string {
  mkdirSync(at(name));
  writeFileSync(at(`${name}/qemu-aarch64`), program);
  chmodSync(at(`${name}/qemu-aarch64`), 0o755);
  return at(name);
}

let made: Bundled;
beforeAll(async () => {
  made = await documentOf(bundle('two.tar', 'riscv64,s390x', ...fromDebian));
});
afterEach(async () => {
  if (Object.keys(entries()).length > 0) await uninstall();
});
afterAll(removeAllEntries);

describe('bundle', () => {
  it('reports the contents of the file, and leaves nothing in the store', () => {
    const version = expect.stringMatching(/^7\.2\.\d+$/);
    expect(made).toMatchObject({ file, host, proved: true, missing: [], size: readFileSync(file).length });
    expect(made.emulators).toMatchObject([
      { guest: 'riscv64', emulator: 'qemu', version, file: 'riscv64/qemu-riscv64' },
      { guest: 's390x', emulator: 'qemu', version, file: 's390x/qemu-s390x' },
    ]);
    expect(readdirSync(join(store, 'sha256'))).toEqual(['lock']);
  });

  it('writes the same bytes again, in another order and from another store', async () => {
    const words = ['bundle', '-o', at('again.tar'), '--store', at('other'), 's390x', 'riscv64'];
    expect(await documentOf<Bundled>([...words, ...fromDebian])).toMatchObject({ sha256: made.sha256 });
    expect(readFileSync(at('again.tar')).equals(readFileSync(file))).toBe(true);
  });

  it('is readable by any tar', () => {
    const listed = execFileSync('tar', ['-tf', file], { encoding: 'utf8' });
    expect(listed).toBe('manifest.json\nriscv64/qemu-riscv64\ns390x/qemu-s390x\n');
  });

  it('contains all available emulators with --all, and reports the missing ones', async () => {
    const one = folderWith('one', readFileSync(join(emulators, 'qemu-aarch64-static')));
    const { emulators: all, missing } = await documentOf<Bundled>(
      bundle('all.tar', '--all', '--source', `dir:${one}`),
    );
    expect(all.map(({ guest }) => guest)).toEqual(['aarch64']);
    expect(missing.map(({ arch }) => arch)).toContain('riscv64');
    expect(missing.map(({ arch }) => arch)).not.toContain(host);
  });

  it('contains exactly the emulators of a lock file', async () => {
    await documentOf(install('riscv64,s390x', ...fromDebian, `--lock=${at('own.lock')}`));
    await uninstall();
    const locked = `--locked=${at('own.lock')}`;
    expect(await documentOf(bundle('locked.tar', '--all', locked))).toMatchObject({ sha256: made.sha256 });
    writeFileSync(
      at('own.lock'),
      readFileSync(at('own.lock'), 'utf8').replace(/sha256: .*/, `sha256: ${'ab'.repeat(32)}`),
    );
    const words = bundle('unlocked.tar', '--all', locked);
    await expectRefusal(words, {
      status: 1,
      code: 'LOCK_MISMATCH',
      message: /expected sha256 abab/,
      hint: /./,
    });
    expect(existsSync(at('unlocked.tar'))).toBe(false);
  });

  it('can be created for other machines, whose emulators cannot run here', async () => {
    const foreign = buildProgram(code.print('qemu-aarch64 version 9.9.9\n'), { identity: FOREIGN });
    const source = ['--source', `dir:${folderWith('foreign', foreign)}`];
    const words = bundle('foreign.tar', 'arm64', '--host', 's390x', ...source);
    const { host: on, emulators: all, proved } = await documentOf<Bundled>(words);
    expect([on, all.map(({ version }) => version), proved]).toEqual(['s390x', [null], false]);
    expect((await binfmtctl(words)).stdout).toContain(
      'not checked: s390x emulators do not start on this machine',
    );
    const before = snapshot(store);
    await expectRefusal(install('arm64', '--source', at('foreign.tar')), {
      status: 2,
      code: 'BAD_SOURCE',
      message: new RegExp(`is for s390x machines, not for ${host}`),
      hint: new RegExp(`bundle -o FILE --host ${host}`),
    });
    expect(snapshot(store)).toEqual(before);
  });

  it.each([
    ['-', 2, 'USAGE', /cannot write a bundle to -/, /use a file/],
    ['/none/x.tar', 1, 'FILE_FAILED', /cannot write to \/none: no such file/, null],
    ['/dev/null/x.tar', 1, 'FILE_FAILED', /cannot write to \/dev\/null/, null],
  ] as const)(
    'is refused before anything is fetched if it cannot be written: -o %s',
    (output, status, code, message, hint) =>
      expectRefusal(
        ['bundle', '-o', output, 'arm64', '--source', 'oci:registry.invalid/x', '--store', store],
        {
          ...{ status, code, message, hint },
        },
      ),
  );

  it.each([
    [['arm64', '--host', 's390x'], 2, 'USAGE', /--host s390x requires --source/],
    [['s390x', '--host', 's390x', ...fromDebian], 1, 'NATIVE_ARCH', /s390x runs natively on s390x machines/],
    [
      ['arm64', '--host', 's390x', ...fromDebian],
      1,
      'EMULATOR_UNFIT',
      /is built for x86_64, not for the host architecture/,
    ],
    [[], 2, 'USAGE', /needs an architecture or --all/],
    [['sh4', '--all'], 2, 'USAGE', /architectures or --all, not both/],
    [['sh4', '--source', 'none'], 2, 'BAD_SOURCE', /unknown source "none"/],
    [['sh4', ...fromDebian, '--strict'], 1, 'EMULATOR_UNFIT', /has known problems with sh4/],
    [['sh4', '--locked', '--source', 'apt'], 2, 'USAGE', /--locked and --source are mutually exclusive/],
    [
      ['--all', '--source', `dir:${folder}`],
      1,
      'EMULATOR_NOT_FOUND',
      /no emulator found for any architecture in dir:/,
    ],
  ] as const)('refuses %j and writes nothing', async (words, status, errorCode, message) => {
    await expectRefusal(bundle('no.tar', ...words), { status, code: errorCode, message, hint: /./ });
    expect(existsSync(at('no.tar'))).toBe(false);
  });

  it('leaves nothing if the disk is full', async () => {
    await expectRefusal(
      bundle('small/x.tar', 'riscv64', ...fromDebian),
      { status: 1, code: 'FILE_FAILED', message: /no space left on device/, hint: /free some space/ },
      { within: inShell(`mkdir -p ${at('small')} && mount -t tmpfs -o size=1m tmpfs ${at('small')}`) },
    );
  });
});

describe('install from a bundle', () => {
  it.each([
    ['by its kind', `bundle:${file}`],
    ['as a plain file', file],
  ])('works with the source given %s', async (_, source) => {
    const words = install('--all', '--source', source);
    const { proofs } = await documentOf<{ proofs: { arch: string }[] }>(words);
    expect(proofs.map(({ arch }) => arch)).toEqual(['riscv64', 's390x']);
  });

  it('records the bundle as the source in a lock file, and installs from both', async () => {
    const lock = at('bundle.lock');
    await documentOf(install('s390x', '--source', file, `--lock=${lock}`));
    await uninstall();
    expect(readFileSync(lock, 'utf8')).toContain(`source: ${file}\n`);
    expect(await documentOf(install('s390x', `--locked=${lock}`))).toMatchObject({
      proofs: [{ arch: 's390x' }],
    });
  });

  it('reports an emulator that it does not contain', () =>
    expectRefusal(install('riscv64,sh4', '--source', file), {
      status: 1,
      code: 'EMULATOR_NOT_FOUND',
      message: /no emulator for sh4/,
      hint: /check .*two\.tar, or omit --source/,
    }));

  it.each([
    ['cut', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1), 'BAD_PACKAGE', /truncated tar archive/],
    [
      'truncated in its manifest',
      (bytes: Buffer) => bytes.subarray(0, 700),
      'BAD_SOURCE',
      /truncated tar archive/,
    ],
    ['edited', (bytes: Buffer) => bytes.fill(1, 9_000_000, 9_000_001), 'BAD_PACKAGE', /has sha256/],
    ['another file', () => Buffer.from('{"not": "a bundle"}'), 'BAD_SOURCE', /not a binfmtctl bundle/],
  ])('refuses one that is %s without storing anything', async (name, change, errorCode, message) => {
    const damaged = at(`${name}.tar`);
    writeFileSync(damaged, change(readFileSync(file)));
    const before = snapshot(store);
    const status = errorCode === 'BAD_SOURCE' ? 2 : 1;
    const words = install('riscv64', '--source', `bundle:${damaged}`);
    await expectRefusal(words, { status, code: errorCode, message, hint: /./ });
    expect(snapshot(store)).toEqual(before);
  });
});
