import { describe, expect, it } from 'vitest';
import { pageSizeIn } from '../../../src/system/page-size.ts';

/** An auxiliary vector of pairs. */
function vector(word: 4 | 8, little: boolean, ...pairs: readonly (readonly [number, number])[]): Buffer {
  const bytes = pairs.flat().map((value) => {
    const one = Buffer.alloc(word);
    one.writeUIntBE(value, word - 4, 4);
    return little ? one.reverse() : one;
  });
  return Buffer.concat(bytes);
}

describe('pageSizeIn', () => {
  it.each([
    [8, true],
    [8, false],
    [4, true],
    [4, false],
  ] as const)('finds the size among words of %s bytes, little endian %s', (word, little) => {
    const auxiliary = vector(word, little, [33, 0x7fff0000], [6, 16384], [0, 0]);
    expect(pageSizeIn(auxiliary, word, { little })).toBe(16384);
  });

  it.each([0, 1, 15])('finds none in the first %s bytes', (length) => {
    expect(pageSizeIn(vector(8, true, [6, 4096]).subarray(0, length), 8, { little: true })).toBeNull();
  });
});
