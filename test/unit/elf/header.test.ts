import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeader, encodeHeader, isElf } from '../../../src/elf/header.ts';
import type { ElfHeader } from '../../../src/elf/types.ts';
import { header as anyHeader } from './arbitraries.ts';

/** Headers of real programs: Debian's dash for amd64 and armel, and a big-endian s390x program. */
const AMD64 =
  '7f454c46020101000000000000000000' +
  '03003e0001000000504d000000000000400000000000000050e6010000000000000000004000380' +
  '00b0040001e001d00';
const ARM =
  '7f454c46010101000000000000000000020028000100000000000100340000009c01000000020005340020000200280009000800';
const S390X =
  '7f454c4602020100000000000000000000020016000000010000000001000e180000000000000040' +
  '0000000000001a10000000000040003800070040000f000e';

const header = (hex: string) => decodeHeader(Uint8Array.from(Buffer.from(hex, 'hex')));
const code = (code: string) => expect.objectContaining({ code });

describe('header', () => {
  it('decodes an encoded header, in every class and byte order', () => {
    fc.assert(
      fc.property(anyHeader, (header) => {
        const bytes = encodeHeader(header);
        expect(bytes.length).toBe(header.class === 32 ? 52 : 64);
        expect(decodeHeader(bytes)).toEqual(header);
      }),
    );
  });

  it.each([AMD64, ARM, S390X])('encodes a decoded header to the same bytes: %s', (hex) => {
    expect(Buffer.from(encodeHeader(header(hex))).toString('hex')).toBe(hex);
  });

  it('reads class 64, little endian', () => {
    expect(header(AMD64)).toMatchObject({
      class: 64,
      byteOrder: 'little',
      type: 3,
      machine: 62,
      entry: 0x4d50n,
      programHeaderOffset: 64n,
      sectionHeaderOffset: 0x1e650n,
      programHeaderSize: 56,
      programHeaderCount: 11,
      sectionNamesIndex: 29,
    });
  });

  it('reads class 32 and its flags', () => {
    expect(header(ARM)).toMatchObject({ class: 32, machine: 40, entry: 0x10000n, flags: 0x05000200 });
  });

  it('reads big endian', () => {
    expect(header(S390X)).toMatchObject({ byteOrder: 'big', type: 2, machine: 22, version: 1 });
  });

  it.each(['', '7f454c', '7f454c47020101', '23212f62696e2f7368'])(
    'is not in a file that begins %j',
    (hex) => {
      expect(isElf(Uint8Array.from(Buffer.from(hex, 'hex')))).toBe(false);
      expect(() => header(hex)).toThrow(code('NOT_ELF'));
    },
  );

  it.each([
    ['only the magic', '7f454c46'],
    ['an unknown class', AMD64.replace('4602', '4603')],
    ['an unknown byte order', AMD64.replace('460201', '460200')],
    ['63 of 64 bytes', AMD64.slice(0, -2)],
    ['51 of 52 bytes', ARM.slice(0, -2)],
  ])('is invalid with %s', (_, hex) => {
    expect(() => header(hex)).toThrow(code('BAD_ELF'));
  });

  it.each<[string, Partial<ElfHeader>]>([
    ['an address beyond class 32', { entry: 2n ** 32n }],
    ['a negative address', { entry: -1n }],
    ['a machine beyond 65535', { machine: 65536 }],
    ['an OS ABI beyond 255', { osAbi: 256 }],
    ['half a machine', { machine: 0.5 }],
  ])('cannot be encoded with %s', (_, part) => {
    expect(() => encodeHeader({ ...header(ARM), ...part })).toThrow(code('BAD_ELF'));
  });

  it('throws only NOT_ELF and BAD_ELF for any bytes', () => {
    const mutated = fc.tuple(anyHeader, fc.nat(64), fc.uint8Array()).map(([header, at, bytes]) => {
      const whole = [...encodeHeader(header)];
      return Uint8Array.from([...whole.slice(0, at), ...bytes]);
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutated), (bytes) => {
        try {
          expect(decodeHeader(bytes)).toHaveProperty('machine');
        } catch (error) {
          expect(['NOT_ELF', 'BAD_ELF']).toContain((error as { code?: string }).code);
        }
      }),
    );
  });
});
