import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, equalPatterns, overlap, SCRIPT_PATTERN } from '../../../src/rule/algebra.ts';
import { parseHex } from '../../../src/rule/hex.ts';
import { matches } from '../../../src/rule/match.ts';
import type { MagicPattern, Pattern } from '../../../src/rule/types.ts';

/** Bytes with equal upper seven bits, so that every file of three such bytes can be tested under every name. */
const SMALL_BYTES = [0x00, 0x01, 0xfe, 0xff];
const smallBytes = (size: number) =>
  fc
    .array(fc.constantFrom(...SMALL_BYTES), { minLength: size, maxLength: size })
    .map((array) => Uint8Array.from(array));
const smallMagic = fc.integer({ min: 1, max: 3 }).chain((size) =>
  fc.record({
    type: fc.constant('magic' as const),
    offset: fc.nat(3 - size),
    magic: smallBytes(size),
    mask: fc.option(smallBytes(size)),
  }),
);
const smallExtension = fc.record({
  type: fc.constant('extension' as const),
  extension: fc.constantFrom('a', 'b', 'a.b'),
});
const smallPattern: fc.Arbitrary<Pattern> = fc.oneof({ weight: 4, arbitrary: smallMagic }, smallExtension);

const FILES = SMALL_BYTES.flatMap((a) =>
  SMALL_BYTES.flatMap((b) => SMALL_BYTES.map((c) => [a, b, c])),
).flatMap((head) => ['f', 'f.a', 'f.b', 'f.a.b'].map((path) => ({ head: Uint8Array.from(head), path })));
const matchedBy = (pattern: Pattern) => FILES.filter(({ head, path }) => matches(pattern, head, path));

const magic = (hex: string, mask: string | null = null, offset = 0): MagicPattern => ({
  type: 'magic',
  offset,
  magic: bytes(hex),
  mask: mask === null ? null : bytes(mask),
});

function bytes(hex: string): Uint8Array {
  const parsed = parseHex(hex);
  if (parsed === null) throw new Error(`not hex: ${hex}`);
  return parsed;
}

describe('against every small file', () => {
  const check = (property: (a: Pattern, b: Pattern) => void) =>
    fc.assert(fc.property(smallPattern, smallPattern, property), { numRuns: 3000 });

  it('overlap is true if a file matches both', () => {
    check((a, b) => {
      const both = matchedBy(a).some(({ head, path }) => matches(b, head, path));
      expect(overlap(a, b)).toBe(both);
      expect(overlap(b, a)).toBe(both);
    });
  });

  it('covers is true if every file of the second matches the first', () => {
    check((a, b) => {
      expect(covers(a, b)).toBe(matchedBy(b).every(({ head, path }) => matches(a, head, path)));
    });
  });

  it('equalPatterns is true if both match the same files', () => {
    check((a, b) => {
      const both = [a, b].map(matchedBy);
      // Extensions with a dot match no file but are still different texts.
      fc.pre(both.every((files) => files.length > 0));
      expect(equalPatterns(a, b)).toBe(JSON.stringify(both[0]) === JSON.stringify(both[1]));
    });
  });
});

describe('overlap', () => {
  it.each<[string, boolean, Pattern, Pattern]>([
    ['different values of one byte', false, magic('7f45'), magic('7f46')],
    ['ranges that do not meet', true, magic('41', null, 0), magic('42', null, 1)],
    ['a shared byte at different offsets', false, magic('4142', null, 0), magic('43', null, 1)],
    ['bits that only one mask fixes', true, magic('02', 'fe'), magic('03')],
    ['bits that both masks fix', false, magic('02', 'fe'), magic('04', 'fc')],
    ['a magic and an extension', true, magic('41'), { type: 'extension', extension: 'x' }],
  ])('of %s is %s', (_, expected, a, b) => expect(overlap(a, b)).toBe(expected));
});

describe('equalPatterns', () => {
  it('ignores magic bits outside the mask', () => {
    expect(equalPatterns(magic('41ff', 'ff00'), magic('4100', 'ff00'))).toBe(true);
  });

  it('treats no mask and a mask of all ff as equal', () => {
    expect(equalPatterns(magic('4142', 'ffff'), magic('4142'))).toBe(true);
  });

  it('distinguishes offsets', () => {
    expect(equalPatterns(magic('41'), magic('41', null, 1))).toBe(false);
  });
});

describe('SCRIPT_PATTERN', () => {
  it('matches files that begin with #!', () => {
    expect(matches(SCRIPT_PATTERN, bytes('23212f'), 'f')).toBe(true);
    expect(matches(SCRIPT_PATTERN, bytes('2023'), 'f')).toBe(false);
  });
});
