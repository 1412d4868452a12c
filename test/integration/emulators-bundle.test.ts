import { createHash } from 'node:crypto';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listStored } from '../../src/emulators/store/store.ts';
import { type BundledEmulator, encodeManifest } from '../../src/file-format/bundle.ts';
import { fetchBundle } from '../../src/sources/bundle.ts';
import { packBundle } from '../../src/sources/bundle-writer.ts';
import { type TarEntry, tar } from './fixtures/deb.ts';
import { QEMU } from './fixtures/profile.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
let count = 0;

const GUESTS = ['aarch64', 'arm', 'riscv64'];
const bytesOf = (guest: string): Buffer => Buffer.from(`emulator for ${guest}`.repeat(100));
const bundled = (guest: string, more: Partial<BundledEmulator> = {}): BundledEmulator => ({
  guest,
  emulator: 'qemu',
  version: '9.9.9',
  sha256: createHash('sha256').update(bytesOf(guest)).digest('hex'),
  size: bytesOf(guest).length,
  file: `${guest}/qemu-${guest}`,
  ...more,
});

/** The entries of a valid bundle. */
const manifest = (emulators = GUESTS.map((guest) => bundled(guest)), host = 'x86_64'): TarEntry => ({
  name: 'manifest.json',
  bytes: encodeManifest({ host, emulators }),
});
const entry = (guest: string, more: Partial<TarEntry> = {}): TarEntry => ({
  name: `${guest}/qemu-${guest}`,
  bytes: bytesOf(guest).toString(),
  ...more,
});
const whole = (): TarEntry[] => [manifest(), ...GUESTS.map((guest) => entry(guest))];

async function fileWith(bytes: Uint8Array): Promise<string> {
  const file = at(`${++count}.tar`);
  await writeFile(file, bytes);
  await chmod(file, 0o644);
  return file;
}

async function taken(
  file: string,
  guests: readonly string[] = GUESTS,
  signal = new AbortController().signal,
) {
  const store = at(`store-${++count}`);
  const wants = guests.map((guest) => ({ guest, profiles: [QEMU] }));
  const options = { store, host: 'x86_64', report: () => {}, signal };
  const outcome = await fetchBundle(file, wants, options).then(
    (found) => ({ found: found.map(({ guest, emulator, origin }) => [guest, emulator, origin]) }),
    (error: Error & { code: string; hint: string }) => ({ error }),
  );
  const stored = await listStored(store);
  return { ...outcome, stored: stored.map(({ name }) => name), hashes: stored.map(({ sha256 }) => sha256) };
}

const takenFrom = async (entries: readonly TarEntry[], guests?: readonly string[]) =>
  taken(await fileWith(await tar(entries)), guests);

const refused = (code: string, why: string | RegExp) => ({
  stored: [],
  hashes: [],
  error: expect.objectContaining({
    code,
    message: typeof why === 'string' ? expect.stringContaining(why) : expect.stringMatching(why),
    hint: expect.stringMatching(/./),
  }),
});

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

async function packed(guests: readonly string[], bytes = bytesOf): Promise<Buffer> {
  const folder = at(`files-${++count}`);
  await mkdir(folder);
  await Promise.all(guests.map((guest) => writeFile(`${folder}/${guest}`, bytes(guest))));
  const emulators = guests.map((guest) => bundled(guest));
  return collect(packBundle({ host: 'x86_64', emulators }, ({ guest }) => `${folder}/${guest}`));
}

describe('a bundle', () => {
  it('provides the emulators written to it', async () => {
    const result = await taken(await fileWith(await packed(GUESTS)));
    expect(result).toMatchObject({
      found: GUESTS.map((guest) => [guest, 'qemu', 'bundle']),
      stored: ['qemu-aarch64', 'qemu-arm', 'qemu-riscv64'],
    });
  });

  it('has the same bytes at any time and in any order', async () => {
    const [one, other] = await Promise.all([packed(GUESTS), packed(GUESTS.toReversed())]);
    expect(one.equals(other)).toBe(true);
  });

  it('provides only the requested emulators that it contains', async () => {
    const file = await fileWith(await packed(['aarch64', 'arm']));
    expect(await taken(file, ['arm', 'riscv64'])).toMatchObject({
      found: [['arm', 'qemu', 'bundle']],
      stored: ['qemu-arm'],
    });
  });

  it('is not created if a file has changed since its inspection', async () => {
    const changes = [
      (guest: string) => Buffer.from(bytesOf(guest)).fill(7),
      (guest: string) => bytesOf(guest).subarray(1),
      (guest: string) => Buffer.concat([bytesOf(guest), Buffer.from('more')]),
    ];
    for (const change of changes) {
      const error = { code: 'EMULATOR_UNFIT', message: expect.stringContaining('has changed since') };
      await expect(packed(['arm'], change)).rejects.toMatchObject(error);
    }
  });

  it('is not created if a file is missing', async () => {
    const parts = packBundle({ host: 'x86_64', emulators: [bundled('arm')] }, () => at('absent'));
    await expect(collect(parts)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('an invalid bundle', () => {
  it('is for other machines', async () => {
    expect(await takenFrom([manifest(undefined, 'aarch64'), ...whole().slice(1)])).toEqual(
      refused('BAD_SOURCE', 'is for aarch64 machines, not for x86_64'),
    );
  });

  it.each([0, 1, 511, 512, 513, 1023, 1024, 2000, 3000, 6000])(
    'is truncated after %i bytes',
    async (length) => {
      const bytes = await packed(GUESTS);
      const result = await taken(await fileWith(bytes.subarray(0, length)), ['aarch64']);
      expect(result).toMatchObject({
        stored: [],
        error: { code: expect.stringMatching(/^BAD_(PACKAGE|SOURCE)$/) },
      });
    },
  );

  it('is truncated after the requested emulator', async () => {
    expect(await takenFrom(whole().slice(0, -1), ['aarch64'])).toEqual(
      refused('BAD_PACKAGE', 'truncated before riscv64/qemu-riscv64'),
    );
  });

  it.each(['aarch64', 'riscv64'])('has one changed byte in %s', async (guest) => {
    const bytes = await packed(GUESTS);
    const place = bytes.indexOf(bytesOf(guest)) + 500;
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    expect(await taken(await fileWith(bytes))).toEqual(
      refused('BAD_PACKAGE', new RegExp(`${guest}/qemu-${guest} has sha256 \\w{64}, not \\w{64} as`)),
    );
  });

  it('has one changed byte in an emulator that is not requested', async () => {
    const bytes = await packed(GUESTS);
    const place = bytes.indexOf(bytesOf('riscv64')) + 500;
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    expect(await taken(await fileWith(bytes), ['aarch64'])).toEqual(
      refused('BAD_PACKAGE', /riscv64\/qemu-riscv64 has sha256/),
    );
  });

  it('never provides wrong bytes, whichever byte is changed', async () => {
    const good = await packed(GUESTS);
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (place, change) => {
        const bytes = Buffer.from(good);
        bytes[place] = (bytes[place] ?? 0) ^ change;
        const result = await taken(await fileWith(bytes));
        if ('error' in result)
          expect(result).toMatchObject({ stored: [], error: { hint: expect.any(String) } });
        for (const sha256 of result.hashes)
          expect(GUESTS.map((guest) => bundled(guest).sha256)).toContain(sha256);
      }),
      { numRuns: 200 },
    );
  });

  it('has a changed header', async () => {
    const bytes = await packed(GUESTS);
    bytes[bytes.indexOf('arm/qemu-arm\0') + 1] = 0x7a;
    expect(await taken(await fileWith(bytes))).toEqual(
      refused('BAD_PACKAGE', /bundle .*tar: not a valid tar archive/),
    );
  });

  it('has a changed manifest', async () => {
    const edited = manifest([bundled('aarch64', { sha256: 'ab'.repeat(32) }), bundled('arm')]);
    expect(await takenFrom([edited, ...whole().slice(1, 3)])).toEqual(
      refused('BAD_PACKAGE', `not ${'ab'.repeat(32)} as in the manifest`),
    );
    const sized = manifest([bundled('aarch64', { size: 5 })]);
    expect(await takenFrom([sized, entry('aarch64')])).toEqual(
      refused('BAD_PACKAGE', /has \d+ bytes, not 5 as in the manifest/),
    );
    expect(await takenFrom([{ name: 'manifest.json', bytes: '{' }])).toEqual(
      refused('BAD_PACKAGE', 'manifest.json is not valid JSON'),
    );
    expect(await takenFrom([{ name: 'manifest.json', bytes: '{"host":"../x"}' }])).toEqual(
      refused('BAD_PACKAGE', 'host: must be an ID'),
    );
  });

  it.each([
    ['a name that leads out of it', { name: '../../etc/cron.d/x', bytes: 'x' }],
    ['an absolute name', { name: '/etc/passwd', bytes: 'x' }],
    ['a second manifest', { name: 'manifest.json', bytes: '{}' }],
    ['an emulator twice', entry('riscv64')],
    ['a device', { name: 'sda', type: 'block-device' as const }],
  ] satisfies [string, TarEntry][])('has %s', async (_, more) => {
    expect(await takenFrom([...whole(), more])).toEqual(
      refused('BAD_PACKAGE', `unexpected entry ${JSON.stringify(more.name)}`),
    );
  });

  it('has a link in place of an emulator', async () => {
    const link: TarEntry = { name: 'arm/qemu-arm', type: 'symlink', linkname: '/bin/sh' };
    expect(await takenFrom([manifest([bundled('arm')]), link])).toEqual(
      refused('BAD_PACKAGE', 'arm/qemu-arm is a symlink'),
    );
  });

  it('has too large a manifest', async () => {
    const large = { name: 'manifest.json', bytes: ' '.repeat((1 << 20) + 1) };
    expect(await takenFrom([large])).toEqual(
      refused('BAD_PACKAGE', 'manifest.json is too large: 1048577 bytes'),
    );
  });

  it('is not a bundle', async () => {
    const hint = expect.objectContaining({ hint: expect.stringContaining('binfmtctl bundle -o FILE') });
    const others = [
      await tar([{ name: 'blobs/x', bytes: 'x' }]),
      Buffer.alloc(0),
      Buffer.alloc(10240),
      Buffer.from('text '.repeat(1000)),
    ];
    for (const bytes of others) {
      const result = await taken(await fileWith(bytes));
      expect(result).toEqual(refused('BAD_SOURCE', 'not a binfmtctl bundle: '));
      expect(result).toMatchObject({ error: hint });
    }
  });

  it('is not a file, or other users can change it', async () => {
    expect(await taken(at('absent.tar'))).toEqual(refused('BAD_SOURCE', /^not a file: .*absent\.tar$/));
    await mkdir(at('folder.tar'));
    expect(await taken(at('folder.tar'))).toEqual(refused('BAD_SOURCE', /^not a file: .*folder\.tar$/));
    const open = await fileWith(await packed(['arm']));
    await chmod(open, 0o666);
    expect(await taken(open)).toEqual(
      refused('EMULATOR_UNFIT', ' as the bundle: it can be written by others'),
    );
    await symlink('loop', at('loop'));
    expect(await taken(at('loop'))).toEqual(refused('BAD_SOURCE', /^not a file: .*loop$/));
  });

  it('is abandoned when interrupted', async () => {
    const file = await fileWith(await packed(GUESTS));
    expect(await taken(file, GUESTS, AbortSignal.abort('SIGINT'))).toMatchObject({
      stored: [],
      error: { code: 'INTERRUPTED' },
    });
  });
});
