import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BundleManifest, decodeManifest, encodeManifest } from '../../../src/file-format/bundle.ts';

const id = fc.stringMatching(/^[a-z0-9][a-z0-9_.+-]{0,12}$/);
const emulators = fc.uniqueArray(
  fc.record({
    guest: id,
    emulator: id,
    version: fc.option(fc.stringMatching(/^[\w.+~ -]{1,20}$/)),
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
    size: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    file: fc.tuple(id, id).map((parts) => parts.join('/')),
  }),
  { selector: ({ guest }) => guest },
);
const manifests: fc.Arbitrary<BundleManifest> = fc.record({
  host: id,
  emulators: emulators.filter((all) => new Set(all.map(({ file }) => file)).size === all.length),
});

const QEMU = {
  guest: 'arm',
  emulator: 'qemu',
  version: '7.2.22',
  sha256: 'ab'.repeat(32),
  size: 7,
  file: 'arm/qemu-arm',
};
const problemOf = (value: unknown): string => {
  const decoded = decodeManifest(JSON.stringify(value));
  return 'problem' in decoded ? decoded.problem : '';
};
const withQemu = (...more: readonly object[]): unknown => ({
  ...{ schema: 'binfmtctl/bundle/1', host: 'x86_64' },
  emulators: more.map((each) => ({ ...QEMU, ...each })),
});

describe("a bundle's manifest", () => {
  it('is decoded as it was encoded, in the order of the guests', () => {
    fc.assert(
      fc.property(manifests, ({ host, emulators: all }) => {
        const ordered = all.toSorted((a, b) => (a.guest < b.guest ? -1 : 1));
        expect(decodeManifest(encodeManifest({ host, emulators: all }))).toEqual({
          host,
          emulators: ordered,
        });
      }),
    );
  });

  it('does not depend on the order of the emulators', () => {
    fc.assert(
      fc.property(manifests, ({ host, emulators: all }) => {
        const other = encodeManifest({ host, emulators: all.toReversed() });
        expect(other).toBe(encodeManifest({ host, emulators: all }));
      }),
    );
  });

  it('is distinguished from other texts', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(decodeManifest(text)).toEqual({ problem: expect.stringContaining('manifest.json') });
      }),
    );
  });

  it.each([
    ['../../etc/passwd'],
    ['/etc/passwd'],
    ['arm/../../x'],
    ['arm/.hidden'],
    ['qemu-arm'],
    ['arm/bin/qemu'],
    ['arm/a\0b'],
    ['arm/a\nb'],
    ['manifest.json'],
  ])('rejects the name %j', (file) => {
    expect(problemOf(withQemu({ file }))).toMatch(/^manifest\.json: emulators\.0\.file: must be a name/);
  });

  it.each([
    [withQemu({}, { file: 'arm/other' }), 'emulators: must have one emulator per guest'],
    [withQemu({}, { guest: 'sh4' }), 'emulators: must have one emulator per file'],
    [withQemu({ sha256: 'AB'.repeat(32) }), 'emulators.0.sha256: must be a SHA-256 digest'],
    [withQemu({ size: 0 }), 'emulators.0.size: must be a number of bytes'],
    [withQemu({ size: 1e99 }), 'emulators.0.size: must be a number of bytes'],
    [withQemu({ mode: 7 }), 'emulators.0.mode: unknown key'],
    [{ ...Object(withQemu({})), schema: 'binfmtctl/bundle/2' }, 'schema: must be binfmtctl/bundle/1'],
    [{ ...Object(withQemu({})), host: undefined }, 'host: is missing'],
    [[], 'emulators: is missing'],
    ['text', 'must be a mapping'],
  ])('rejects %j with the reason', (value, why) => {
    expect(problemOf(value)).toContain(why);
  });
});
