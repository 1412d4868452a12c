import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../../src/rule/hex.ts';

describe('hex', () => {
  it('round-trips', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(parseHex(formatHex(bytes))).toEqual(bytes);
      }),
    );
  });

  it('writes lower case, two digits per byte', () => {
    expect(formatHex(Uint8Array.of(0x0a, 0xff))).toBe('0aff');
  });

  it.each(['7', '7f4', '7g', '0x7f', '7f\n', ' 7f'])('rejects %j', (text) => {
    expect(parseHex(text)).toBeNull();
  });
});
