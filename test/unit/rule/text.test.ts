import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, encodeText } from '../../../src/rule/text.ts';

describe('text', () => {
  it('round-trips any bytes', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.string({ unit: 'binary' }).map((s) => encodeText(s)),
    );
    const anyBytes = fc.array(pieces).map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(encodeText(decodeText(bytes))).toEqual(bytes);
      }),
    );
  });

  it('is plain text if the bytes are UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeText(Buffer.from(text))).toBe(text);
        expect(Buffer.from(encodeText(text)).toString()).toBe(text);
      }),
    );
  });

  it.each([
    ['an invalid first byte', [0x61, 0xff, 0x62], 'a\udcffb'],
    ['a truncated sequence', [0xc3], '\udcc3'],
    ['an overlong NUL', [0xc0, 0x80], '\udcc0\udc80'],
    ['a surrogate written as UTF-8', [0xed, 0xa0, 0x80], '\udced\udca0\udc80'],
    ['a real replacement character beside a bad byte', [0xef, 0xbf, 0xbd, 0x80], '\ufffd\udc80'],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
    ['a character beyond the basic plane beside a bad byte', [0xf0, 0x9f, 0x98, 0x80, 0xf0], '😀\udcf0'],
  ])('decodes %s', (_, bytes, text) => expect(decodeText(Uint8Array.from(bytes))).toBe(text));

  it.each(['\ud800', 'a\udc7f', '\udd00b'])(
    'refuses a lone surrogate that represents no byte (%j)',
    (text) => {
      expect(() => encodeText(text)).toThrow(expect.objectContaining({ code: 'BAD_RULE' }));
    },
  );
});
