import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeManifest } from '../../src/file-format/bundle.ts';
import { packedDeb, type TarEntry, tar } from './fixtures/deb.ts';
import { pack } from './fixtures/image.ts';
import { fakeQemu } from './fixtures/programs.ts';
import { pullFrom, refused, sha256Of, type UrlSettings } from './fixtures/pull-url.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
const program = fakeQemu();
const xz = (bytes: Uint8Array, ...options: string[]) =>
  execFileSync('xz', ['-c', ...options], { input: bytes, maxBuffer: 1 << 28 });
const emulator = { name: './usr/bin/qemu-aarch64-static', bytes: program };
const good = { found: ['aarch64'], names: ['qemu-aarch64'], leftovers: [], bytes: [Buffer.from(program)] };

async function write(
  bytes: Uint8Array | string,
  name = `file-${Math.random().toString(36).slice(2)}`,
): Promise<string> {
  await writeFile(at(name), bytes);
  return at(name);
}

/** Fetches a file with the given bytes and the correct sha256. */
async function fetchBytes(bytes: Uint8Array, settings?: UrlSettings, name?: string) {
  const path = await write(bytes, name);
  return pullFrom(at(), `file://${path}#sha256=${sha256Of(bytes)}`, settings);
}
const fetchTar = async (entries: readonly TarEntry[], settings?: UrlSettings) =>
  fetchBytes(await tar(entries), settings);

describe('the format of a file', () => {
  it.each([
    ['a tar archive', (bytes: Uint8Array) => bytes],
    ['a tar archive compressed with gzip', (bytes: Uint8Array) => gzipSync(bytes)],
    [
      'a tar archive compressed with gzip in several members',
      (bytes: Uint8Array) => Buffer.concat([gzipSync(bytes.subarray(0, 700)), gzipSync(bytes.subarray(700))]),
    ],
    ['a tar archive compressed with xz', (bytes: Uint8Array) => xz(bytes)],
    ['a tar archive compressed with zstd', (bytes: Uint8Array) => pack(bytes, 'zstd')],
    ['a package', (bytes: Uint8Array) => packedDeb(bytes)],
    ['a package compressed with gzip', (bytes: Uint8Array) => packedDeb(gzipSync(bytes))],
    ['a package compressed with xz', (bytes: Uint8Array) => packedDeb(xz(bytes))],
    ['a package compressed with zstd', (bytes: Uint8Array) => packedDeb(pack(bytes, 'zstd'))],
  ])('is detected: %s, whatever its name', async (_, packed) => {
    const bytes = await packed(await tar([{ name: 'README', bytes: 'x'.repeat(5000) }, emulator]));
    expect(await fetchBytes(bytes, {}, 'picture.png')).toMatchObject(good);
  });

  it('is detected: the emulator itself', async () => {
    const bytes = Buffer.from(program);
    expect(await fetchBytes(bytes, {}, 'anything')).toMatchObject(good);
  });

  it.each([
    ['a web page', '<!DOCTYPE html><p>Sorry', /is a web page$/, /address of the file itself/],
    ['a script', '#!/bin/sh\nexec qemu', /is not an emulator, tar archive or Debian package/, /\.tar\.xz/],
    ['a zip archive', 'PK\x03\x04', /is not an emulator/, /\.zst or \.deb file/],
    ['an empty file', '', /is not an emulator/, /\.deb/],
    [
      'an ar library',
      '!<arch>\nfoo.o/          0           0     0     644     1         `\nx',
      /is not a Debian package/,
      /run the command again/,
    ],
    [
      'the start of a package',
      '!<arch>\ndebian-binary   0           0     0     100644  4         `\n2',
      /corrupt or truncated/,
      /run the command again/,
    ],
  ])('is unsupported: %s', async (_, text, message, hint) => {
    expect(await fetchBytes(Buffer.from(text))).toMatchObject(refused('BAD_PACKAGE', message, hint));
  });

  it('is unsupported: a package without files, or with unknown compression', async () => {
    expect(await fetchBytes(await packedDeb(new Uint8Array()))).toMatchObject(
      refused('BAD_PACKAGE', /data\.tar not found/),
    );
    expect(await fetchBytes(await packedDeb(Buffer.from('BZh9')))).toMatchObject(
      refused('BAD_PACKAGE', /uses an unsupported compression/, /\.deb file/),
    );
  });

  it('is refused if the file is truncated at any position', async () => {
    const plain = await tar([{ name: 'x', bytes: randomBytes(40_000) }, emulator]);
    for (const bytes of [
      plain,
      gzipSync(plain),
      xz(plain),
      pack(plain, 'zstd'),
      await packedDeb(xz(plain)),
    ]) {
      for (const part of [0.2, 0.5, 0.9]) {
        const cut = bytes.subarray(0, bytes.length * part);
        const { error, stored, leftovers } = await fetchBytes(cut);
        expect({ code: error?.code, stored, leftovers }).toEqual({
          code: 'BAD_PACKAGE',
          stored: [],
          leftovers: [],
        });
      }
    }
  });
});

describe('a single emulator', () => {
  it.each([
    ['qemu-arm-static', 'arm', 'qemu-arm'],
    ['x86_64_qemu-riscv64-static', 'riscv64', 'qemu-riscv64'],
  ])('named %s is for the guest in its name', async (name, guest, stored) => {
    const guests = ['aarch64', 'arm', 'riscv64'];
    expect(await fetchBytes(program, { guests }, name)).toMatchObject({ found: [guest], names: [stored] });
  });

  it('is for the only requested guest, otherwise refused', async () => {
    expect(await fetchBytes(program, { guests: ['riscv64'] }, 'emulator')).toMatchObject({
      found: ['riscv64'],
    });
    expect(await fetchBytes(program, { guests: ['riscv64', 'arm'] }, 'emulator')).toMatchObject(
      refused(
        'BAD_SOURCE',
        /is a single emulator, but 2 architectures are requested: \w+, \w+$/,
        /request one architecture/,
      ),
    );
  });
});

describe('an archive', () => {
  it.each([
    'qemu-aarch64',
    'bin/qemu-aarch64',
    'usr/bin/qemu-aarch64',
    './usr/local/bin/qemu-aarch64-static',
  ])('can have an emulator at %s', async (name) => {
    expect(await fetchTar([{ name, bytes: program }])).toMatchObject(good);
  });

  it('provides all requested emulators, also through links to earlier and later files', async () => {
    const entries: TarEntry[] = [
      { name: 'usr/bin/qemu-arm', type: 'symlink', linkname: '../lib/other' },
      { name: 'usr/lib/first', bytes: program },
      { name: 'usr/bin/qemu-aarch64', type: 'link', linkname: 'usr/lib/first' },
      { name: 'usr/lib/other', bytes: program },
    ];
    const { found, names, leftovers } = await fetchTar(entries, { guests: ['aarch64', 'arm', 'riscv64'] });
    expect({ found: found?.toSorted(), names: names?.toSorted(), leftovers }).toEqual({
      found: ['aarch64', 'arm'],
      names: ['qemu-aarch64', 'qemu-arm'],
      leftovers: [],
    });
  });

  it('without an emulator provides none', async () => {
    const result = await fetchTar([{ name: 'usr/bin/true', bytes: program }]);
    expect(result).toMatchObject({ found: [], stored: [], leftovers: [] });
  });

  it.each([
    [
      'leads out of it',
      { name: '../../etc/passwd', bytes: 'x' },
      /unsafe file name in the archive: "\.\.\/\.\.\/etc\/passwd"/,
    ],
    ['leads out of it through a directory', { name: 'usr/../../x', bytes: 'x' }, /"usr\/\.\.\/\.\.\/x"/],
    ['is absolute', { name: '/etc/passwd', bytes: 'x' }, /"\/etc\/passwd"/],
  ])('is refused if a name %s', async (_, entry, message) => {
    expect(await fetchTar([entry, emulator])).toMatchObject(refused('BAD_PACKAGE', message, /do not trust/));
  });

  it.each([
    [
      'a link out of it',
      { type: 'symlink', linkname: '../../../etc/passwd' },
      /points to "\.\.\/\.\.\/\.\.\/etc\/passwd"/,
    ],
    ['a hard link out of it', { type: 'link', linkname: '../etc/shadow' }, /points to "\.\.\/etc\/shadow"/],
    ['an empty link', { type: 'symlink', linkname: '' }, /./],
    ['a directory', { type: 'directory' }, /is a directory/],
    ['a pipe', { type: 'fifo' }, /is a fifo/],
    ['a device', { type: 'character-device', devmajor: 1, devminor: 5 }, /is a character-device/],
  ] as const)('is refused if %s is at the path of an emulator', async (_, header, message) => {
    expect(await fetchTar([{ name: 'usr/bin/qemu-aarch64', ...header }])).toMatchObject(
      refused('BAD_PACKAGE', message),
    );
  });

  it('does not provide files of the machine through links', async () => {
    const entries: TarEntry[] = [{ name: 'usr/bin/qemu-aarch64', type: 'symlink', linkname: '/bin/true' }];
    expect(await fetchTar(entries)).toMatchObject({ found: [], stored: [], leftovers: [] });
  });

  it('with circular links is refused', async () => {
    const entries: TarEntry[] = [
      { name: 'usr/bin/qemu-aarch64', type: 'symlink', linkname: 'qemu-aarch64-static' },
      { name: 'usr/bin/qemu-aarch64-static', type: 'symlink', linkname: 'qemu-aarch64' },
    ];
    expect(await fetchTar(entries)).toMatchObject({ found: [], stored: [], leftovers: [] });
  });
});

describe('a bundle', () => {
  const manifest = (sha256: string, host = process.arch === 'arm64' ? 'aarch64' : 'x86_64'): TarEntry => {
    const emulator = { emulator: 'qemu', version: null, sha256, size: program.length };
    const emulators = [{ guest: 'aarch64', ...emulator, file: 'aarch64/qemu-aarch64' }];
    return { name: 'manifest.json', bytes: encodeManifest({ host, emulators }) };
  };
  const file: TarEntry = { name: 'aarch64/qemu-aarch64', bytes: program };

  it('provides its emulators, and is named by its URL', async () => {
    const taken = await fetchTar([manifest(sha256Of(program)), file]);
    expect(taken).toMatchObject(good);
    expect(taken.from?.[0]).toMatch(/^\/.*\/file-\w+ \(aarch64\/qemu-aarch64\)$/);
  });

  it.each([
    ['wrong bytes', [manifest('0'.repeat(64)), file], 'BAD_PACKAGE', /aarch64\/qemu-aarch64 has sha256/],
    [
      'emulators for another host',
      [manifest(sha256Of(program), 's390x'), file],
      'BAD_SOURCE',
      /for s390x machines/,
    ],
    ['another manifest', [{ name: 'manifest.json', bytes: '[]' }], 'BAD_PACKAGE', /bundle .*file-/],
  ] as const)('with %s is rejected', async (_, entries, code, message) => {
    const { error, ...rest } = await fetchTar(entries);
    expect({ error, ...rest }).toMatchObject(refused(code, message));
    expect(error?.message).not.toContain('binfmtctl-url-');
  });
});

describe('a file: URL', () => {
  it('is refused if the sha256 differs', async () => {
    const path = await write(program);
    const wrong = await pullFrom(at(), `file://${path}#sha256=${'0'.repeat(64)}`);
    expect(wrong).toMatchObject(
      refused('BAD_PACKAGE', /has the digest sha256:.*, not sha256:000/, /do not trust/),
    );
  });

  it.each([
    ['a folder', () => mkdir(at('folder')), 'folder', /it is a directory/],
    ['a named pipe', async () => void execFileSync('mkfifo', [at('pipe')]), 'pipe', /it is a named pipe/],
    ['a link to a pipe', () => symlink(at('pipe'), at('link')), 'link', /it is a named pipe/],
    ['absent', async () => {}, 'absent', /no such file/],
    ['below a file', () => writeFile(at('plain'), ''), 'plain/x', /no such file/],
  ])('is refused if it is %s', async (_, make, name, message) => {
    await make();
    for (const settings of [{}, { allowUnverified: true }]) {
      const end = 'allowUnverified' in settings ? '' : `#sha256=${'0'.repeat(64)}`;
      expect(await pullFrom(at(), `file://${at(name)}${end}`, settings)).toMatchObject(
        refused('BAD_SOURCE', message, /dir:DIR for a directory/),
      );
    }
  });

  it('is refused if it is a device', async () => {
    expect(await pullFrom(at(), `file:///dev/zero#sha256=${'0'.repeat(64)}`)).toMatchObject(
      refused('BAD_SOURCE', /a device/),
    );
  });

  it('without sha256 is refused, or accepted with a warning and pinned', async () => {
    const path = await write(program);
    expect(await pullFrom(at(), `file://${path}`)).toMatchObject(
      refused('BAD_SOURCE', /has no sha256/, /`sha256sum .*--allow-unverified/),
    );
    const sha256 = sha256Of(program);
    const taken = await pullFrom(at(), `file://${path}`, { allowUnverified: true });
    expect(taken).toMatchObject({ ...good, sources: [`url:file://${path}#sha256=${sha256}`] });
    expect(taken.warnings).toEqual([`url: ${path} is not verified: its sha256 is ${sha256}`]);
  });

  it('without sha256 is refused if other users can change the file', async () => {
    const path = await write(program);
    await chmod(path, 0o666);
    expect(await pullFrom(at(), `file://${path}`, { allowUnverified: true })).toMatchObject(
      refused('EMULATOR_UNFIT', /can be written by others/, /copy it to/),
    );
    expect(await pullFrom(at(), `file://${path}#sha256=${sha256Of(program)}`)).toMatchObject(good);
  });

  it('leaves nothing when interrupted', async () => {
    const path = await write(await tar([emulator]));
    const source = `file://${path}#sha256=${'0'.repeat(64)}`;
    const { error, ...rest } = await pullFrom(at(), source, { signal: AbortSignal.abort() });
    expect(error).toMatchObject({ code: 'INTERRUPTED' });
    expect(rest).toMatchObject({ stored: [], leftovers: [] });
  });
});
