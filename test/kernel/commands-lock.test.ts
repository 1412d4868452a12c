import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LockFile } from '../../src/file-format/lock-file.ts';
import { binfmtctl, documentOf, expectRefusal, inShell } from './support/command.ts';
import { emulatorFolder, entries, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const store = temporaryFolder();
const emulators = emulatorFolder();
const at = (name: string): string => join(folder, name);
const file = at('own.lock');
const own = at('emulators');
const host = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

const install = (...words: readonly string[]): readonly string[] => ['install', ...words, '--store', store];
const update = (...words: readonly string[]): readonly string[] => [
  ...['lock', '--update', '--lock-file', file, '--store', store],
  ...words,
];
const readLock = async (): Promise<LockFile> => documentOf<LockFile>(['lock', '--lock-file', file]);
const edit = (from: RegExp, to: string): void =>
  writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));

/** The initial directory: two emulators. */
function restore(): void {
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  for (const guest of ['riscv64', 's390x'])
    copyFileSync(join(emulators, `qemu-${guest}-static`), join(own, `qemu-${guest}-static`));
}

/** Changes the reported version of the emulator, like an upgrade. */
function replaceEmulator(guest: string): void {
  const path = join(own, `qemu-${guest}-static`);
  const said = new RegExp(`(qemu-${guest} version )([\\d.]+)`);
  const renewed = readFileSync(path, 'latin1').replace(said, (_, name: string, version: string) => {
    return name + '9.9.9'.padEnd(version.length);
  });
  writeFileSync(path, renewed, 'latin1');
}

const uninstall = (): Promise<unknown> => documentOf(['uninstall', '--all', '--purge', '--store', store]);

let text = '';
beforeAll(async () => {
  restore();
  await documentOf(install('riscv64,s390x', '--source', `dir:${own}`, `--lock=${file}`));
  await uninstall();
  text = readFileSync(file, 'utf8');
});
beforeEach(() => {
  restore();
  writeFileSync(file, text);
});
afterEach(async () => {
  if (Object.keys(entries()).length > 0) await uninstall();
});
afterAll(removeAllEntries);

describe('install --lock', () => {
  it('records source, version, sha256 and size of the installed emulators', async () => {
    const expected = (guest: string) => {
      const bytes = readFileSync(join(own, `qemu-${guest}-static`));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const version = expect.stringMatching(/^7\.2\.\d+$/);
      return { emulator: 'qemu', source: `dir:${own}`, version, sha256, size: bytes.length };
    };
    const { hosts } = await readLock();
    expect(hosts).toEqual({ [host]: { riscv64: expected('riscv64'), s390x: expected('s390x') } });
  });

  it('keeps other emulators in the file, and leaves it unchanged if nothing changes', async () => {
    edit(
      /^hosts:\n/m,
      `hosts:\n  sparc64:\n    arm: ${JSON.stringify((await readLock()).hosts[host]?.['s390x'])}\n`,
    );
    await documentOf(install('riscv64', '--source', `dir:${own}`, `--lock=${file}`));
    expect(Object.keys((await readLock()).hosts)).toEqual(['sparc64', host].toSorted());
    const before = readFileSync(file, 'utf8');
    await documentOf(install('s390x', '--source', `dir:${own}`, `--lock=${file}`));
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('takes a file name only after =; the next word is an architecture', async () => {
    const ran = await binfmtctl(install('--lock', 'riscv64', '--source', `dir:${own}`), {
      within: ['env', '-C', folder],
    });
    expect(ran.status).toBe(0);
    expect(existsSync(at('binfmtctl.lock'))).toBe(true);
  });

  it('rolls everything back if the file cannot be written', async () => {
    const before = snapshot(store);
    await expectRefusal(
      install('riscv64', '--source', `dir:${own}`, `--lock=${at('ro/x.lock')}`),
      {
        status: 3,
        code: 'READ_ONLY',
        message: /x\.lock: the file system is read-only/,
        hint: /another path/,
      },
      { within: inShell(`mkdir -p ${at('ro')} && mount -t tmpfs -o ro tmpfs ${at('ro')}`) },
    );
    expect(snapshot(store)).toEqual(before);
  });

  it('does not change a file that is not a lock file', async () => {
    writeFileSync(at('notes.txt'), 'do not lose this\n');
    const before = snapshot(store);
    await expectRefusal(install('riscv64', '--source', `dir:${own}`, `--lock=${at('notes.txt')}`), {
      status: 2,
      code: 'BAD_LOCK',
      message: /notes\.txt:1: not a lock file/,
      hint: /version control/,
    });
    expect(readFileSync(at('notes.txt'), 'utf8')).toBe('do not lose this\n');
    expect(snapshot(store)).toEqual(before);
  });

  it('reports in a dry run that it would write the file', async () => {
    const ran = await binfmtctl(install('riscv64', '--dry-run', `--lock=${at('dry.lock')}`));
    expect(ran.stdout).toBe('would fetch an emulator for riscv64, register and verify it\n');
    expect(existsSync(at('dry.lock'))).toBe(false);
  });
});

describe('install --locked', () => {
  const locked = (...words: readonly string[]) => install(...words, `--locked=${file}`);

  it('installs exactly the locked emulators', async () => {
    const { proofs } = await documentOf<{ proofs: { arch: string; emulator: { sha256: string } }[] }>(
      locked('--all'),
    );
    const part = (await readLock()).hosts[host];
    expect(proofs.map(({ arch, emulator }) => [arch, emulator.sha256])).toEqual(
      ['riscv64', 's390x'].map((arch) => [arch, part?.[arch]?.sha256]),
    );
  });

  it('needs no source if the store has them', async () => {
    await documentOf(locked('riscv64'));
    rmSync(own, { recursive: true });
    await documentOf(['uninstall', '--all', '--store', store]);
    await documentOf(locked('riscv64'));
    expect(Object.keys(entries())).toEqual(['qemu-riscv64']);
  });

  it('replaces an emulator that differs from the locked one', async () => {
    replaceEmulator('riscv64');
    await documentOf(install('riscv64', '--source', `dir:${own}`, '--no-verify'));
    restore();
    await documentOf(locked('riscv64'));
    expect(entries()['qemu-riscv64']).toContain((await readLock()).hosts[host]?.['riscv64']?.sha256);
  });

  it('refuses other bytes with expected and found digest, and leaves nothing', async () => {
    replaceEmulator('s390x');
    const before = snapshot(store);
    await expectRefusal(locked('--all'), {
      status: 1,
      code: 'LOCK_MISMATCH',
      message:
        /for s390x .* differs from the lock file: expected sha256 [0-9a-f]{64} as in .*own\.lock, found [0-9a-f]{64} \(version 9\.9\.9, not 7/,
      hint: /lock --update s390x --lock-file .*own\.lock --store .*`; otherwise do not trust it/,
    });
    expect(snapshot(store)).toEqual(before);
  });

  it.each([
    ['another size', /size: \d+/, 'size: 7', 1, 'LOCK_MISMATCH', /expected size 7 as in .*, found \d+$/],
    ['another version', /version: .*/, 'version: 8.0.0', 1, 'LOCK_MISMATCH', /expected version 8\.0\.0/],
    [
      'another host',
      new RegExp(`${host}:`),
      'sparc64:',
      1,
      'LOCK_MISMATCH',
      /no emulators for .*only for sparc64/,
    ],
    [
      'a missing architecture',
      / {4}riscv64:/,
      '    s390:',
      1,
      'LOCK_MISMATCH',
      /has no emulator for riscv64/,
    ],
    [
      'a missing emulator',
      /emulator: .*/,
      'emulator: none',
      1,
      'EMULATOR_NOT_FOUND',
      /^source .* in .*own\.lock: .*no emulator none for riscv64/,
    ],
    [
      'an unknown source',
      /source: .*/,
      'source: none',
      2,
      'BAD_SOURCE',
      /^source "none" in .*own\.lock: unknown source/,
    ],
    [
      'a truncated sha256',
      /sha256: .*/,
      'sha256: abcd',
      2,
      'BAD_LOCK',
      /own\.lock:\d+: .*\.sha256: must be a SHA-256 digest/,
    ],
    ['invalid YAML', /^hosts:/m, 'hosts: [', 2, 'BAD_LOCK', /own\.lock:\d+: /],
  ] as const)('refuses a lock edited by hand: %s', async (_, from, to, status, code, message) => {
    edit(from, to);
    const before = snapshot(store);
    await expectRefusal(locked('riscv64'), { status, code, message, hint: /./ });
    expect(snapshot(store)).toEqual(before);
  });

  it.each([
    ['--lock', ['--lock']],
    ['--source', ['--source', 'apt']],
    ['--emulator', ['--emulator', 'qemu']],
  ])('cannot be combined with %s', (name, words) =>
    expectRefusal(locked('riscv64', ...words), {
      status: 2,
      code: 'USAGE',
      message: new RegExp(`--locked and ${name} are mutually exclusive`),
      hint: /binfmtctl lock --update/,
    }),
  );

  it('installs the locked emulators from a bundle if the source no longer exists', async () => {
    const tar = at('locked.tar');
    await documentOf(['bundle', '-o', tar, '--all', `--locked=${file}`, '--store', store]);
    rmSync(own, { recursive: true });
    await documentOf(locked('riscv64', 's390x', '--source', `bundle:${tar}`));
    expect(Object.keys(entries()).toSorted()).toEqual(['qemu-riscv64', 'qemu-s390x']);
  });

  it('accepts a bundle that other users can write, as the lock file has the digests', async () => {
    const tar = at('open.tar');
    await documentOf(['bundle', '-o', tar, '--all', `--locked=${file}`, '--store', store]);
    chmodSync(tar, 0o666);
    await expectRefusal(install('riscv64', '--source', `bundle:${tar}`), {
      ...{ status: 1, code: 'EMULATOR_UNFIT', message: /it can be written by others/, hint: /./ },
    });
    await documentOf(locked('riscv64', '--source', `bundle:${tar}`));
    expect(Object.keys(entries())).toEqual(['qemu-riscv64']);
  });

  it('refuses a bundle that differs from the lock file', async () => {
    const tar = at('other.tar');
    replaceEmulator('riscv64');
    await documentOf(['bundle', '-o', tar, 'riscv64', '--source', `dir:${own}`, '--store', store]);
    await expectRefusal(locked('riscv64', '--source', `bundle:${tar}`), {
      ...{ status: 1, code: 'LOCK_MISMATCH', message: /riscv64/, hint: /./ },
    });
    expect(entries()).toEqual({});
  });

  it('requires the file', () =>
    expectRefusal(install('riscv64', `--locked=${at('none.lock')}`), {
      status: 2,
      code: 'BAD_LOCK',
      message: /lock file not found: .*none\.lock/,
      hint: /`binfmtctl lock --update riscv64 --lock-file .*none\.lock/,
    }));

  it('skips unknown architectures with --all', async () => {
    edit(/ {4}s390x:/, '    pdp11:');
    expect(await documentOf(locked('--all'))).toMatchObject({
      proofs: [{ arch: 'riscv64' }],
      missing: [{ arch: 'pdp11', why: expect.stringContaining('not in the catalogue') }],
    });
  });

  it('refuses a locked version with known problems with --strict', () =>
    expectRefusal(locked('riscv64', '--strict'), {
      status: 1,
      code: 'EMULATOR_UNFIT',
      message: /has known problems with riscv64/,
      hint: /or omit --strict/,
    }));
});

describe('lock', () => {
  it('prints the file', async () => {
    const { stdout } = await binfmtctl(['lock', '--lock-file', file]);
    expect(stdout.split('\n').map((line) => line.split(/\s+/).slice(0, 3))).toEqual([
      ['HOST', 'ARCH', 'EMULATOR'],
      [host, 'riscv64', 'qemu'],
      [host, 's390x', 'qemu'],
      [''],
    ]);
  });

  it('updates changed emulators, each from its source, and nothing else', async () => {
    expect(await documentOf(update())).toMatchObject({ changes: [], unchanged: ['riscv64', 's390x'] });
    expect(readFileSync(file, 'utf8')).toBe(text);
    replaceEmulator('s390x');
    const before = snapshot(store);
    expect(await documentOf(update())).toMatchObject({
      changes: [
        { arch: 's390x', before: { version: /^7/ }, after: { version: '9.9.9', source: `dir:${own}` } },
      ].map((change) => ({ ...change, before: { version: expect.stringMatching(change.before.version) } })),
      unchanged: ['riscv64'],
    });
    expect(snapshot(store)).toEqual(before);
    expect((await readLock()).hosts[host]?.['s390x']?.version).toBe('9.9.9');
  });

  it('updates or adds only the given architectures, from the given source', async () => {
    replaceEmulator('s390x');
    const ran = await binfmtctl(update('riscv64', 'sh4', '--source', `dir:${emulators}`));
    expect(ran.stdout).toMatch(
      /^.*own\.lock, for \w+ machines:\n(riscv64|sh4): .*\nsh4: qemu 7\S+ \(\w{12}\) from dir:/,
    );
    const { hosts } = await readLock();
    expect(Object.entries(hosts[host] ?? {}).map(([arch, { source }]) => [arch, source])).toEqual([
      ['riscv64', `dir:${emulators}`],
      ['s390x', `dir:${own}`],
      ['sh4', `dir:${emulators}`],
    ]);
    expect(hosts[host]?.['s390x']?.version).not.toBe('9.9.9');
  });

  it('creates the file if it does not exist', async () => {
    rmSync(file);
    await documentOf(update('sh4', '--source', `dir:${emulators}`));
    expect(Object.keys((await readLock()).hosts[host] ?? {})).toEqual(['sh4']);
  });

  it('leaves the file unchanged if an emulator no longer exists', async () => {
    rmSync(join(own, 'qemu-s390x-static'));
    const before = snapshot(store);
    await expectRefusal(update(), {
      status: 1,
      code: 'EMULATOR_NOT_FOUND',
      message: /no emulator qemu for s390x/,
      hint: /check dir:.*omit --source/,
    });
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(snapshot(store)).toEqual(before);
  });

  it.each([
    [['lock', 'arm64', '--lock-file', file], 'USAGE', /--update is missing/],
    [['lock', '--lock-file', at('none')], 'BAD_LOCK', /lock file not found/],
    [['lock', '--update', '--lock-file', at('none')], 'BAD_LOCK', /lock file not found/],
    [['lock', '--lock-file', '/dev/zero'], 'FILE_FAILED', /it is larger than/],
  ] as const)('refuses %j', async (words, code, message) => {
    const status = code === 'FILE_FAILED' ? 1 : 2;
    await expectRefusal([...words], { status, code, message, hint: /./ });
  });

  it('names the requested architectures in the hint', () =>
    expectRefusal(['lock', 'ppc64le', 'arm64', '--lock-file', file], {
      ...{ status: 2, code: 'USAGE', message: /--update is missing/ },
      hint: /^`binfmtctl lock --update ppc64le arm64 --lock-file \S+own\.lock` renews or adds them$/,
    }));

  it('reports every problem of a file', async () => {
    edit(/sha256: ./g, 'sha256: X');
    appendFileSync(file, 'more: 1\n');
    const { stderr } = await binfmtctl(['lock', '--lock-file', file]);
    expect(stderr.match(/own\.lock:\d+: /g)?.length).toBe(3);
  });
});
