import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { packedDeb, tar } from '../integration/fixtures/deb.ts';
import { startWeb, type Web } from '../integration/fixtures/web.ts';
import { binfmtctl, documentOf, expectRefusal, inShell } from './support/command.ts';
import { emulatorFolder, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const store = temporaryFolder();
const emulators = emulatorFolder();
const at = (name: string): string => join(folder, name);
const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const fileSource = (name: string): string => `url:file://${at(name)}#sha256=${sha256Of(at(name))}`;
const GUESTS = ['riscv64', 'aarch64'];
let web: Web;

beforeAll(async () => {
  // Debian's package without the emulators that are not needed here.
  mkdirSync(at('tree/DEBIAN'), { recursive: true });
  mkdirSync(at('tree/usr/bin'), { recursive: true });
  const control = [
    'Package: qemu-user-static',
    'Version: 1',
    'Architecture: all',
    'Maintainer: a <a@localhost>',
  ];
  writeFileSync(at('tree/DEBIAN/control'), `${control.join('\n')}\nDescription: test\n`);
  for (const guest of GUESTS)
    cpSync(join(emulators, `qemu-${guest}-static`), at(`tree/usr/bin/qemu-${guest}-static`));
  const build = (packing: string) =>
    execFileSync('dpkg-deb', ['-b', `-Z${packing}`, '-z1', at('tree'), at(`${packing}.deb`)], {
      stdio: 'pipe',
    });
  for (const packing of ['xz', 'zstd', 'gzip']) build(packing);
  execFileSync('tar', ['-C', at('tree/usr/bin'), '-cJf', at('qemu.tar.xz'), '.'], {
    env: { ...process.env, XZ_OPT: '-1' },
  });
  writeFileSync(at('hostile.deb'), await packedDeb(await tar([{ name: '../../etc/passwd', bytes: 'x' }])));
  writeFileSync(at('empty.tar'), await tar([{ name: 'README', bytes: 'x' }]));
  writeFileSync(at('page.html'), '<html></html>');
  web = await startWeb({ '/zstd.deb': readFileSync(at('zstd.deb')) });
});
afterEach(() => removeAllEntries());
afterAll(() => web.close());

const install = (arch: string, source: string, ...more: string[]) =>
  binfmtctl(['install', arch, '--source', source, '--store', store, ...more]);

describe('install --source url:', () => {
  it.each(['xz.deb', 'zstd.deb', 'gzip.deb', 'qemu.tar.xz', 'tree/usr/bin/qemu-riscv64-static'])(
    'registers and proves riscv64 from %s',
    async (name) => {
      const { status, stdout, stderr } = await install('riscv64', fileSource(name));
      expect({ status, refused: stderr.includes('hint:') }).toEqual({ status: 0, refused: false });
      expect(stdout).toContain('registered and verified');
    },
  );

  it('extracts several emulators from one package of a web server', async () => {
    const source = `url:${web.origin}/zstd.deb#sha256=${sha256Of(at('zstd.deb'))}`;
    const { stdout } = await install('riscv64,arm64', source);
    expect(stdout.match(/registered and verified/g)).toHaveLength(2);
    expect(web.requests).toHaveLength(1);
  });

  it.each([
    [
      'another sha256',
      (): string => `url:file://${at('xz.deb')}#sha256=${'0'.repeat(64)}`,
      1,
      'BAD_PACKAGE',
      /has the digest/,
      /do not trust/,
    ],
    [
      'none',
      (): string => `url:file://${at('xz.deb')}`,
      2,
      'BAD_SOURCE',
      /has no sha256/,
      /`sha256sum \/.*--allow-unverified/,
    ],
    [
      'an invalid sha256',
      (): string => 'url:https://host/x#sha256=12',
      2,
      'BAD_SOURCE',
      /invalid sha256/,
      /64 hexadecimal/,
    ],
    ['an invalid URL', (): string => 'url:x.deb', 2, 'BAD_SOURCE', /invalid URL "x\.deb"/, /url:https:/],
    [
      'a missing file',
      (): string => `url:file:///absent#sha256=${'0'.repeat(64)}`,
      2,
      'BAD_SOURCE',
      /no such file/,
      /dir:DIR/,
    ],
    [
      'a file that the server does not have',
      (): string => `url:${web.origin}/x#sha256=${'0'.repeat(64)}`,
      1,
      'SOURCE_FAILED',
      /status 404/,
      /check the URL/,
    ],
    [
      'unsafe names',
      (): string => fileSource('hostile.deb'),
      1,
      'BAD_PACKAGE',
      /"\.\.\/\.\.\/etc\/passwd"/,
      /do not trust/,
    ],
    [
      'an archive without an emulator',
      (): string => fileSource('empty.tar'),
      1,
      'EMULATOR_NOT_FOUND',
      /no emulator for s390x/,
      /check url:.*omit --source/,
    ],
    [
      'a web page',
      (): string => fileSource('page.html'),
      1,
      'BAD_PACKAGE',
      /is a web page/,
      /the file itself/,
    ],
    [
      'an emulator for another arch',
      (): string => fileSource('xz.deb'),
      1,
      'EMULATOR_NOT_FOUND',
      /no emulator for s390x/,
      /check url:.*omit --source/,
    ],
  ] as const)(
    'refuses %s without storing or registering anything',
    async (_, source, status, code, message, hint) => {
      const before = snapshot(store);
      const words = ['install', 's390x', '--source', source(), '--store', store];
      await expectRefusal(words, { status, code, message, hint });
      expect(snapshot(store)).toEqual(before);
    },
  );

  it('accepts an unverified file only with --allow-unverified and a warning, but not over plain HTTP', async () => {
    const { status, stderr } = await install('riscv64', `url:${web.origin}/zstd.deb`, '--allow-unverified');
    expect(status).toBe(0);
    expect(stderr).toContain(
      `warning: url: ${web.origin}/zstd.deb is not verified: its sha256 is ${sha256Of(at('zstd.deb'))}`,
    );
    const plain = [
      'install',
      'riscv64',
      '--source',
      'url:http://files.example/x',
      '--allow-unverified',
      '--store',
      store,
    ];
    await expectRefusal(plain, {
      status: 2,
      code: 'BAD_SOURCE',
      message: /uses plain HTTP/,
      hint: /use https:/,
    });
  });

  it('unpacks a package without xz, and reports the missing program for an archive', async () => {
    const within = inShell('mount --bind /dev/null "$(readlink -f "$(command -v xz)")"');
    const words = (name: string) => ['install', 'riscv64', '--source', fileSource(name), '--store', store];
    expect((await binfmtctl(words('xz.deb'), { within })).status).toBe(0);
    removeAllEntries();
    const refusal = {
      status: 3,
      code: 'NO_TOOL',
      message: /^xz not found$/,
      hint: /install xz-utils/,
    } as const;
    await expectRefusal(words('qemu.tar.xz'), refusal, { within });
  });
});

describe('a lock file', () => {
  const lock = at('url.lock');
  const lockOf = () => readFileSync(lock, 'utf8');

  it('records the source with its sha256, for install --locked, bundle --locked and lock --update', async () => {
    const source = fileSource('xz.deb');
    expect((await install('riscv64', source, `--lock=${lock}`)).status).toBe(0);
    expect(lockOf()).toContain(source);
    removeAllEntries();
    const fresh = temporaryFolder();
    const locked = ['install', 'riscv64', `--locked=${lock}`, '--store', fresh];
    expect((await binfmtctl(locked)).status).toBe(0);
    const before = lockOf();
    const update = ['lock', '--update', '--lock-file', lock, '--store', fresh];
    expect(await documentOf(update)).toMatchObject({ changes: [], unchanged: ['riscv64'] });
    const bundled = [
      'bundle',
      '-o',
      at('bundle.tar'),
      '--all',
      `--locked=${lock}`,
      '--store',
      temporaryFolder(),
    ];
    expect((await binfmtctl(bundled)).status).toBe(0);
    removeAllEntries();
    expect((await install('riscv64', fileSource('bundle.tar'))).status).toBe(0);
    expect(lockOf()).toBe(before);
  });

  it('is updated from another URL, unless the file there differs', async () => {
    const source = `url:${web.origin}/zstd.deb#sha256=${sha256Of(at('zstd.deb'))}`;
    const update = [
      'lock',
      '--update',
      'riscv64',
      'arm64',
      '--lock-file',
      lock,
      '--source',
      source,
      '--store',
      store,
    ];
    expect(await documentOf(update)).toMatchObject({ unchanged: [] });
    expect(lockOf()).toContain(`${web.origin}/zstd.deb#sha256=`);
    writeFileSync(lock, lockOf().replaceAll(/zstd\.deb#sha256=\w{64}/g, `zstd.deb#sha256=${'0'.repeat(64)}`));
    const words = ['install', 'arm64', `--locked=${lock}`, '--store', temporaryFolder()];
    await expectRefusal(words, {
      status: 1,
      code: 'BAD_PACKAGE',
      message: /has the digest/,
      hint: /do not trust/,
    });
  });

  it('records the sha256 of an unverified file', async () => {
    const words = ['lock', '--update', 'riscv64', '--lock-file', at('pinned.lock'), '--store', store];
    const source = ['--source', `url:${web.origin}/zstd.deb`];
    await expectRefusal([...words, ...source], {
      status: 2,
      code: 'BAD_SOURCE',
      message: /no sha256/,
      hint: /curl/,
    });
    await documentOf([...words, ...source, '--allow-unverified']);
    const pinned = `url:${web.origin}/zstd.deb#sha256=${sha256Of(at('zstd.deb'))}`;
    expect(readFileSync(at('pinned.lock'), 'utf8')).toContain(pinned);
    const locked = ['install', 'riscv64', `--locked=${at('pinned.lock')}`, '--store', temporaryFolder()];
    expect((await binfmtctl(locked)).status).toBe(0);
  });

  it('does not need --allow-unverified without --update', async () => {
    const refusal = {
      status: 2,
      code: 'USAGE',
      message: /without --update, lock only shows the file/,
      hint: /lock --update/,
    } as const;
    await expectRefusal(['lock', '--allow-unverified', '--lock-file', lock], refusal);
  });
});
