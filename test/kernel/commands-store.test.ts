import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { documentOf, expectRefusal, inShell } from './support/command.ts';
import { emulatorFolder, entries, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const store = temporaryFolder();
const emulators = emulatorFolder();
const at = (name: string): string => join(folder, name);
const install = (...more: readonly string[]): readonly string[] => [
  ...['install', 'riscv64', '--source', `dir:${emulators}`],
  ...more,
];
let before: ReturnType<typeof snapshot>;

beforeAll(async () => {
  await documentOf(['install', 'arm64', '--source', `dir:${emulators}`, '--store', store]);
  before = snapshot(store);
});
afterAll(removeAllEntries);

describe('a store that cannot be written', () => {
  afterEach(() => expect(snapshot(store)).toEqual(before));

  it('is read-only', () =>
    expectRefusal(
      install('--store', store),
      { status: 3, code: 'READ_ONLY', message: /read-only/, hint: /choose another path, or remount/ },
      { within: inShell(`mount --bind -o ro ${store} ${store} && mount -o remount,bind,ro ${store}`) },
    ));

  it('is on a full disk', async () => {
    mkdirSync(at('small'));
    const script = `mount -t tmpfs -o size=1m tmpfs ${at('small')} && { "$@"; s=$?; ls -R ${at('small')} >&3; exit $s; }`;
    await expectRefusal(
      install('--store', at('small/store')),
      { status: 1, code: 'STORE_FAILED', message: /no space left on device/, hint: /free some space/ },
      { within: ['unshare', '--mount', 'sh', '-c', `exec 3> ${at('left')}; ${script}`, 'sh'] },
    );
    const left = readFileSync(at('left'), 'utf8').split('\n');
    expect(left.filter((line) => line !== '' && !/^\/|^(store|sha256|lock)$/.test(line))).toEqual([]);
  });

  it('has no space for the registration', async () => {
    await expectRefusal(
      install('--store', at('small/store')),
      { status: 1, code: 'FILE_FAILED', message: /no space left on device/, hint: /free some space/ },
      { within: inShell(`mount -t tmpfs -o nr_inodes=7 tmpfs ${at('small')}`) },
    );
  });

  it.each([
    [
      'a file',
      () => writeFileSync(at('file'), ''),
      'file',
      2,
      'USAGE',
      /^--store: not a directory: .*file$/,
      null,
    ],
    [
      'below a file',
      () => {},
      'file/store',
      2,
      'USAGE',
      /^--store: a part of the path is not a directory: /,
      null,
    ],
    ['a dangling link', () => symlinkSync('gone', at('link')), 'link', 1, 'FILE_FAILED', /link/, null],
  ] as const)('is %s', async (_, make, path, status, code, message, hint) => {
    make();
    await expectRefusal(install('--store', at(path)), { status, code, message, hint });
  });

  it('is in /proc, where nothing can be created', () =>
    expectRefusal(install('--store', '/proc/none'), {
      status: 1,
      code: 'FILE_FAILED',
      message: /cannot create directory \/proc\/none/,
      hint: null,
    }));

  it('has a path that is too long for the kernel', async () => {
    const deep = `${'d'.repeat(200)}/`.repeat(10);
    await expectRefusal(install('--store', at(deep)), {
      status: 2,
      code: 'BAD_RULE',
      message: /too long/,
      hint: /shorten the interpreter's path/,
    });
  });

  it('has a line in its path that looks like the flags of an entry', () =>
    expectRefusal(install('--store', at('new\nflags: line')), {
      status: 2,
      code: 'BAD_RULE',
      message: /interpreter/,
      hint: /path/,
    }));

  it('is a relative path', async () => {
    const within = ['env', '-C', folder];
    await documentOf(install('--store', 'relative'), { within });
    expect(entries()['qemu-riscv64']).toContain(`interpreter ${at('relative')}/sha256/`);
    await documentOf(['uninstall', '--all', '--purge', '--store', at('relative')]);
  });

  it('has no name', () =>
    expectRefusal(install('--store', ''), {
      status: 2,
      code: 'USAGE',
      message: /--store is empty/,
      hint: /omit --store/,
    }));

  it('is in a directory where other users can replace it', async () => {
    mkdirSync(at('open'));
    chmodSync(at('open'), 0o777);
    await expectRefusal(install('--store', at('open/store')), {
      status: 1,
      code: 'STORE_FAILED',
      message: /unsafe store .*: .*open can be written by others/,
      hint: /--store DIR/,
    });
  });

  it('may have delimiters and spaces in its path', async () => {
    const odd = at('a b:c,d/e|f\\x41');
    await documentOf(install('--store', odd));
    expect(entries()['qemu-riscv64']).toContain(`interpreter ${odd}/sha256/`);
    await documentOf(['uninstall', '--all', '--store', odd]);
  });
});

describe('a store with files of another user', () => {
  it.each([
    ['registrations/qemu-riscv64.json', 'not json'],
    ['registrations/qemu-riscv64.json', '{}'],
    ['journal.json', '{"half'],
    ['inspected.json', '\u0000\u0001'],
    ['proofs.json', '[]'],
  ])('is checked: %s with %j', async (name, text) => {
    const own = at(`damaged-${name.replace('/', '-')}-${text.length}`);
    mkdirSync(join(own, 'registrations'), { recursive: true });
    writeFileSync(join(own, name), text);
    await documentOf(['status', '--store', own]);
    expect(await documentOf(install('--store', own))).toMatchObject({ proofs: [{ arch: 'riscv64' }] });
    expect(await documentOf(['status', '--store', own])).toMatchObject({ gone: [], halfDone: false });
    await documentOf(['uninstall', '--all', '--store', own]);
    expect(Object.keys(entries())).toEqual(['qemu-aarch64']);
  });
});
