import { truncate, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { listStored } from '../../src/emulators/store/store.ts';
import { takeFromPackage } from '../../src/sources/apt/deb.ts';
import type { EmulatorTarget } from '../../src/sources/types.ts';
import { packedDeb, type TarEntry, tar, writeDeb } from './fixtures/deb.ts';
import { QEMU } from './fixtures/profile.ts';
import { fakeQemu } from './fixtures/programs.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
let count = 0;

const want = (...guests: string[]): EmulatorTarget[] => guests.map((guest) => ({ guest, profiles: [QEMU] }));

async function take(entries: readonly TarEntry[], guests = ['aarch64']) {
  const file = await writeDeb(at(`${++count}.deb`), await tar(entries));
  return taken(file, guests);
}

async function taken(file: string, guests: readonly string[], signal = new AbortController().signal) {
  const store = `${file}.store`;
  const stored = async () => (await listStored(store)).map(({ name }) => name);
  const options = { store, host: 'x86_64', report: () => {}, signal };
  try {
    const found = await takeFromPackage(file, want(...guests), options);
    return {
      found: found.map(({ guest }) => guest),
      stored: await stored(),
      paths: found.map(({ path }) => path),
    };
  } catch (error) {
    return { error: error as Error & { code: string }, stored: await stored() };
  }
}

const refused = (why: string) => ({
  stored: [],
  error: expect.objectContaining({
    code: 'BAD_PACKAGE',
    message: expect.stringContaining(why),
    hint: expect.stringContaining('do not trust'),
  }),
});

const emulator = (name: string, more: Partial<TarEntry> = {}): TarEntry => ({
  name,
  bytes: fakeQemu(),
  ...more,
});

describe('takeFromPackage', () => {
  it('takes only the wanted emulators, in one pass', async () => {
    const entries = [
      { name: './usr/', type: 'directory' as const },
      { name: './usr/share/doc', bytes: 'text' },
      emulator('./usr/bin/qemu-aarch64-static'),
      { name: './usr/bin/qemu-arm-static', bytes: 'arm' },
      { name: './usr/bin/qemu-riscv64-static', bytes: 'riscv' },
    ];
    const result = await take(entries, ['aarch64', 'riscv64']);
    expect(result.found?.toSorted()).toEqual(['aarch64', 'riscv64']);
    expect(result.stored).toEqual(['qemu-aarch64', 'qemu-riscv64']);
  });

  it('accepts the names of newer packages, with and without a leading dot', async () => {
    expect((await take([emulator('usr/bin/qemu-aarch64')])).found).toEqual(['aarch64']);
    expect((await take([emulator('./usr/bin/qemu-aarch64')])).found).toEqual(['aarch64']);
  });

  it('omits emulators that the package does not contain', async () => {
    expect(await take([emulator('./usr/bin/qemu-arm-static')], ['aarch64'])).toMatchObject({
      found: [],
      stored: [],
    });
  });

  it.each([
    ['before', ['file', 'link']],
    ['after', ['link', 'file']],
  ])('follows a link to a file that comes %s it', async (_, order) => {
    const entries: Record<string, TarEntry> = {
      link: { name: './usr/bin/qemu-aarch64', type: 'symlink', linkname: '../libexec/real/qemu' },
      file: emulator('./usr/libexec/real/qemu'),
    };
    const result = await take(order.flatMap((name) => entries[name] ?? []));
    expect(result).toMatchObject({ found: ['aarch64'], stored: ['qemu-aarch64'] });
  });

  it('follows a hard link and an absolute link within the package', async () => {
    const file = emulator('./usr/lib/qemu');
    const hard: TarEntry = { name: './usr/bin/qemu-aarch64', type: 'link', linkname: './usr/lib/qemu' };
    const absolute: TarEntry = { name: './usr/bin/qemu-aarch64', type: 'symlink', linkname: '/usr/lib/qemu' };
    expect((await take([file, hard])).found).toEqual(['aarch64']);
    expect((await take([file, absolute])).found).toEqual(['aarch64']);
  });

  it('terminates for circular and dangling links', async () => {
    const circle: TarEntry = {
      name: './usr/bin/qemu-aarch64',
      type: 'symlink',
      linkname: 'qemu-aarch64-static',
    };
    const back: TarEntry = {
      name: './usr/bin/qemu-aarch64-static',
      type: 'symlink',
      linkname: 'qemu-aarch64',
    };
    expect(await take([circle, back])).toMatchObject({ found: [], stored: [] });
    expect(await take([{ ...circle, linkname: 'absent' }])).toMatchObject({ found: [], stored: [] });
  });

  it.each([
    ['a name that leads out of it', { name: '../../etc/passwd', bytes: 'x' }, '"../../etc/passwd"'],
    [
      'a name that leads out of it through subdirectories',
      { name: './usr/bin/../../../x', bytes: 'x' },
      '..',
    ],
    ['an absolute name', { name: '/usr/bin/qemu-aarch64', bytes: 'x' }, '"/usr/bin/qemu-aarch64"'],
    ['a device', { name: './dev/sda', type: 'block-device' as const }, 'is a block-device'],
    ['a pipe', { name: './pipe', type: 'fifo' as const }, 'is a fifo'],
    [
      'a device in place of an emulator',
      { name: './usr/bin/qemu-aarch64', type: 'character-device' as const },
      'is a character-device',
    ],
    [
      'a link out of the package',
      { name: './usr/bin/qemu-aarch64', type: 'symlink' as const, linkname: '../../../etc/shadow' },
      'points to "../../../etc/shadow"',
    ],
    [
      'a directory in place of an emulator',
      { name: './usr/bin/qemu-aarch64', type: 'directory' as const },
      'is a directory',
    ],
  ])('rejects %s, and stores nothing', async (_, hostile, why) => {
    expect(await take([emulator('./usr/bin/qemu-arm-static'), hostile], ['arm', 'aarch64'])).toEqual(
      refused(why),
    );
  });

  it('rejects a header with an absurd size before reading the file', async () => {
    const small = await tar([emulator('./usr/bin/qemu-aarch64')]);
    const file = await writeDeb(at('large.deb'), withSize(small, 512 * 1024 * 1024));
    expect(await taken(file, ['aarch64'])).toEqual(refused('536870912 bytes'));
  });

  it('rejects a decompression bomb', async () => {
    // 4.5 GiB of zeros, compressed to 4.5 MB, as one unwanted file.
    const header = withSize(await tar([{ name: './usr/share/zeros' }]), 0).subarray(0, 512);
    const big = withSize(header, 4608 * 1024 * 1024);
    const member = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
    const data = Buffer.concat([gzipSync(big), ...Array.from({ length: 72 }, () => member)]);
    const file = at('bomb.deb');
    await writeFile(file, await packedDeb(data));
    expect(await taken(file, ['aarch64'])).toEqual(refused('4294967296 bytes'));
  }, 120_000);

  it('rejects a truncated, a damaged and an empty package, and other files', async () => {
    const whole = () =>
      tar([emulator('./usr/bin/qemu-arm-static'), { name: './x', bytes: Buffer.alloc(500_000, 'ab') }]);
    const cut = await writeDeb(at('cut.deb'), await whole());
    await truncate(cut, 900);
    const damaged = await writeDeb(at('damaged.deb'), (await whole()).fill(0xff, 0, 700));
    const empty = at('empty.deb');
    await writeFile(empty, '');
    const text = at('text.deb');
    await writeFile(text, '<html>moved</html>');
    const results = await Promise.all(
      [cut, damaged, empty, text].map((file) => taken(file, ['arm', 'aarch64'])),
    );
    expect(results).toEqual([
      refused('cut.deb'),
      refused('damaged.deb'),
      refused('empty.deb'),
      refused('text.deb'),
    ]);
  });

  it('stops when interrupted', async () => {
    const file = await writeDeb(at('interrupted.deb'), await tar([emulator('./usr/bin/qemu-aarch64')]));
    const { error, stored } = await taken(file, ['aarch64'], AbortSignal.abort('SIGINT'));
    expect(error).toMatchObject({ code: 'INTERRUPTED' });
    expect(stored).toEqual([]);
  });
});

/** Changes the size in the first header of an archive, and its checksum. */
function withSize(archive: Uint8Array, size: number): Buffer {
  const bytes = Buffer.from(archive);
  bytes.write(`${size.toString(8).padStart(11, '0')} `, 124, 'latin1');
  bytes.fill(' ', 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}
