import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEscaped, encodeEscaped, scanEscaped } from '../../../src/rule/escape.ts';

const COLON = 0x3a;
const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

describe('escapes', () => {
  it('round-trips, whichever bytes are literal', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.func(fc.boolean()), (bytes, choose) => {
        const isLiteral = (byte: number) => ![0, 0x5c, COLON].includes(byte) && choose(byte);
        const encoded = encodeEscaped(bytes, isLiteral);
        expect(decodeEscaped(encoded)).toEqual(bytes);
        expect(scanEscaped(Uint8Array.of(...encoded, COLON), 0, COLON)).toBe(encoded.length);
      }),
    );
  });

  it.each([
    ['\\x41', 'A'],
    ['\\xAb', '\xab'],
    ['\\x411', 'A1'],
    ['\\X41', '\\X41'],
    ['\\\\x41', '\\\\x41'],
    ['\\\\\\x41', '\\\\A'],
    ['\\n\\101', '\\n\\101'],
    ['AB\\', 'AB\\'],
    ['A\0\\x42', 'A'],
    ['\0A', ''],
    ['A\\x00B', 'A\0B'],
    ['A\\\0B', 'A\\'],
  ])('decodes %j to %j', (field, decoded) => expect(decodeEscaped(latin1(field))).toEqual(latin1(decoded)));

  it('skips the digits of an escape even if they equal the delimiter', () => {
    expect(scanEscaped(latin1('\\xeee'), 0, 0x65)).toBe(4);
  });

  it('finds the delimiter after a raw NUL', () => {
    expect(scanEscaped(latin1('a\0b:'), 0, COLON)).toBe(3);
  });

  it.each(['\\x:', '\\x4:', '\\x4g:', '\\\\xZZ:', 'a\0\\xzz:', '\\x4', 'abc'])(
    'finds no end in %j',
    (field) => {
      expect(scanEscaped(latin1(field), 0, COLON)).toBeNull();
    },
  );
});
