/** Links, pipes, devices and large files in the place of every file that commands read and write. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildProbe } from '../../src/elf/probe.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { binfmtctl, documentOf, expectRefusal, inShell, type Ran } from './support/command.ts';
import { emulatorFolder, entries, removeAllEntries, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const store = at('store');
const source = ['--source', `dir:${emulatorFolder()}`, '--store', store];

beforeEach(() => {
  mkdirSync(store, { recursive: true });
  writeFileSync(at('victim'), 'precious\n', { mode: 0o600 });
  const { riscv64 } = builtinCatalogue().arches;
  if (riscv64 !== undefined)
    writeFileSync(at('program'), buildProbe(riscv64.elf, riscv64.probe), { mode: 0o755 });
});
afterEach(() => {
  removeAllEntries();
  for (const name of readdirSync(folder)) rmSync(at(name), { recursive: true, force: true });
});

const FILES = [
  ...['lock', 'journal.json', 'proofs.json', 'inspected.json', 'run.json', 'sha256/lock', 'sha256'],
  ...['registrations', 'registrations/qemu-riscv64.json', '../binfmtctl.lock', '../emulators.tar'],
];

/** Every kind of command that writes, regardless of its output. */
async function everyCommand(within?: readonly string[]): Promise<readonly Ran[]> {
  const circumstances = within === undefined ? {} : { within };
  // First, because an existing entry would be used without the store.
  const ran = await binfmtctl(['run', ...source, '--', at('program')], circumstances);
  const others = await Promise.all(
    [
      ['install', 'riscv64', `--lock=${at('binfmtctl.lock')}`, ...source],
      ['bundle', 'riscv64', '-o', at('emulators.tar'), '--force', ...source],
      ['lock', '--update', 'riscv64', '--lock-file', at('binfmtctl.lock'), ...source],
      ['status', '--store', store],
      ['uninstall', '--all', '--purge', '--store', store],
    ].map((words) => binfmtctl(words, circumstances)),
  );
  return [...others, ran];
}

describe("files in place of the store's", () => {
  it.each(FILES)(
    'are not written through a link: %s',
    async (name) => {
      mkdirSync(dirname(join(store, name)), { recursive: true });
      symlinkSync(name === 'sha256' || name === 'registrations' ? folder : at('victim'), join(store, name));
      await everyCommand();
      expect(readFileSync(at('victim'), 'utf8')).toBe('precious\n');
      expect(lstatSync(join(store, name)).isSymbolicLink()).toBe(true);
      expect(readdirSync(folder).filter((each) => /^[0-9a-f]{64}$|^qemu-/.test(each))).toEqual([]);
    },
    60_000,
  );

  it('are not replaced if they are devices', async () => {
    const paths = FILES.filter((name) => !['sha256', 'registrations'].includes(name)).map((name) =>
      join(store, name),
    );
    for (const path of paths) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '');
    }
    const mounts = paths.map((path) => `mount --bind /dev/null ${path}`).join(' && ');
    // rename(2) fails on a mount point anyway; the messages show the attempt.
    const ran = await everyCommand(inShell(mounts));
    for (const { stderr, status } of ran) expect([status, stderr]).not.toEqual([0, '']);
    expect(ran.map(({ stderr }) => stderr).join('')).not.toMatch(/busy|EBUSY|bug in binfmtctl/);
    expect(ran[0]?.stderr).toMatch(/store\/lock: it is a device/);
  }, 60_000);

  it.each(FILES.filter((name) => /^[^.].*\.json$/.test(name) && name !== 'run.json'))(
    'do not block commands or exhaust memory: %s',
    async (name) => {
      const path = join(store, name);
      mkdirSync(dirname(path), { recursive: true });
      for (const make of [
        () => execFileSync('mkfifo', [path]),
        () => {
          writeFileSync(path, '');
          truncateSync(path, 50_000_000);
        },
      ]) {
        rmSync(path, { force: true });
        make();
        const ran = await everyCommand();
        expect(ran.every(({ status }) => status !== null)).toBe(true);
        expect(ran.map(({ stderr }) => stderr).join('')).toContain(path);
      }
    },
    60_000,
  );
});

describe('a store that other users can change', () => {
  it.each([
    ['belongs to another user', () => chownSync(store, 1000, 1000), /store belongs to user 1000/],
    ['others can write', () => chmodSync(store, 0o777), /store can be written by others/],
  ])('is refused by every command of root’s before its journal is read: it %s', async (_, make, message) => {
    writeFileSync(join(store, 'journal.json'), 'not read');
    make();
    for (const words of [
      ['install', 'riscv64', ...source],
      ['uninstall', '--all', '--store', store],
      ['status', '--store', store],
      ['verify', '--store', store],
      ['bundle', 'riscv64', '-o', at('x.tar'), ...source],
      ['install', 'riscv64', '--dry-run', ...source],
    ])
      await expectRefusal(words, { status: 1, code: 'STORE_FAILED', message, hint: /--store DIR/ });
    expect((await binfmtctl(['run', ...source, '--', at('program')])).stderr).toMatch(message);
    expect(readFileSync(join(store, 'journal.json'), 'utf8')).toBe('not read');
    expect(entries()).toEqual({});
  });
});

describe('bundle -o', () => {
  const bundle = (output: string, ...more: readonly string[]) =>
    binfmtctl(['bundle', 'riscv64', '-o', output, ...source, ...more]);

  it('writes to devices and pipes, and does not replace them', async () => {
    await bundle(at('file.tar'));
    writeFileSync(at('device'), '');
    const script = `mount --bind /dev/null ${at('device')}`;
    const within = inShell(script);
    const ran = await binfmtctl(['bundle', 'riscv64', '-o', at('device'), ...source], { within });
    expect(ran).toMatchObject({ status: 0 });
    execFileSync('mkfifo', [at('pipe')]);
    const [{ status }] = await Promise.all([
      bundle(at('pipe')),
      binfmtctl([], { within: ['sh', '-c', `cat < ${at('pipe')} > ${at('read')}`] }),
    ]);
    expect(status).toBe(0);
    expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
    expect(readFileSync(at('read')).equals(readFileSync(at('file.tar')))).toBe(true);
    const piped = ['sh', '-c', `"$@" | cat > ${at('out')}`, 'sh'];
    await binfmtctl(['bundle', 'riscv64', '-o', '/dev/stdout', ...source], { within: piped });
    expect(readFileSync(at('out')).equals(readFileSync(at('file.tar')))).toBe(true);
  }, 60_000);

  it('replaces a file that is not a bundle only with --force, and keeps its owner and mode', async () => {
    writeFileSync(at('mine'), 'mine');
    expect(await bundle(at('mine'))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/is not a bundle[\s\S]*--force/),
    });
    expect(readFileSync(at('mine'), 'utf8')).toBe('mine');
    chownSync(at('mine'), 1000, 1000);
    chmodSync(at('mine'), 0o640);
    expect(await bundle(at('mine'), '--force')).toMatchObject({ status: 0 });
    expect(await bundle(at('mine'))).toMatchObject({ status: 0 });
    const { uid, gid, mode } = lstatSync(at('mine'));
    expect([uid, gid, mode & 0o777]).toEqual([1000, 1000, 0o640]);
  }, 60_000);
});

describe('a lock file', () => {
  it('keeps its owner and mode when it is updated', async () => {
    const file = at('own.lock');
    const install = ['install', 'riscv64', `--lock=${file}`, ...source];
    await documentOf(install);
    chownSync(file, 1000, 1000);
    chmodSync(file, 0o600);
    await documentOf(['install', 'arm', `--lock=${file}`, ...source]);
    const { uid, gid, mode } = lstatSync(file);
    expect([uid, gid, mode & 0o777]).toEqual([1000, 1000, 0o600]);
  }, 60_000);

  it('is never quoted if it is another file, and is not read through a link by root', async () => {
    writeFileSync(at('victim'), 'root:$y$SECRET:19000:0:99999:7:::\n');
    const show = ['lock', '--lock-file'];
    const refusal = {
      status: 2,
      code: 'BAD_LOCK',
      message: /^(?!.*SECRET).*:1: not a lock file/,
      hint: /./,
    } as const;
    await expectRefusal([...show, at('victim')], refusal);
    symlinkSync('victim', at('linked'));
    await expectRefusal([...show, at('linked')], {
      status: 1,
      code: 'FILE_FAILED',
      message: /symbolic link/,
      hint: /the path that the link points to/,
    });
    execFileSync('mkfifo', [at('fifo')]);
    await expectRefusal([...show, at('fifo')], {
      status: 1,
      code: 'FILE_FAILED',
      message: /it is a pipe/,
      hint: /install --lock/,
    });
  });
});

describe('paths in options', () => {
  it.each([
    ['install', 'riscv64', '--store'],
    ['bundle', 'riscv64', '-o'],
    ['lock', '--lock-file'],
    ['status', '--catalogue'],
    ['export', '--all', '--output'],
  ])('are refused if they are not UTF-8: %s', async (...words) => {
    const bytes = `"$@" "$(printf '${folder}/caf\\351')"`;
    const ran = await binfmtctl(words, { within: ['sh', '-c', bytes, 'sh'] });
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('not valid UTF-8') });
    expect(readdirSync(folder).filter((name) => name.startsWith('caf'))).toEqual([]);
  });
});

describe('a umask of 077', () => {
  it('does not hide the emulators of root’s store from users', async () => {
    rmSync(store, { recursive: true });
    await documentOf(['install', 'riscv64', ...source], { within: ['sh', '-c', 'umask 077; "$@"', 'sh'] });
    const [sha256 = ''] = readdirSync(join(store, 'sha256')).filter((name) => name.length === 64);
    const modes = ['', 'sha256', `sha256/${sha256}`, 'registrations'].map(
      (name) => lstatSync(join(store, name)).mode & 0o777,
    );
    expect(modes).toEqual([0o755, 0o755, 0o755, 0o755]);
    expect(existsSync(join(store, 'sha256', sha256))).toBe(true);
  }, 60_000);
});

describe('a store on a noexec mount', () => {
  it('is named as the reason', async () => {
    const within = inShell(`mount -t tmpfs -o mode=755,noexec tmpfs ${store}`);
    await expectRefusal(
      ['install', 'riscv64', ...source],
      { status: 1, code: 'EMULATOR_UNFIT', message: /mounted noexec/, hint: /choose another store/ },
      { within },
    );
  });
});
