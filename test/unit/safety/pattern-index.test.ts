import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, overlap } from '../../../src/rule/algebra.ts';
import type { Pattern } from '../../../src/rule/types.ts';
import { createPatternIndex } from '../../../src/safety/pattern-index.ts';
import { extensionPattern, magicPattern } from '../rule/arbitraries.ts';

/** Few values, so that many patterns are related, including ELF-like ones, which fix bytes 0 to 3 and 18 to 19. */
const byte = fc.constantFrom(0x00, 0x7f, 0x45, 0xff);
const maskByte = fc.constantFrom(0xff, 0xff, 0xff, 0xfe, 0x00);
const related = fc.integer({ min: 0, max: 20 }).chain((size) =>
  fc.record({
    type: fc.constant('magic' as const),
    offset: fc.constantFrom(0, 0, 0, 1, 18, 250),
    magic: fc.array(byte, { minLength: size, maxLength: size }).map((bytes) => Uint8Array.from(bytes)),
    mask: fc.option(
      fc.array(maskByte, { minLength: size, maxLength: size }).map((bytes) => Uint8Array.from(bytes)),
    ),
  }),
);
const alike = fc.integer({ min: 0, max: 255 }).map((last) => ({
  type: 'magic' as const,
  offset: 0,
  magic: Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, last, last & 1]),
  mask: Uint8Array.from([
    255, 255, 255, 255, 255, 255, 255, 0, 255, 255, 255, 255, 255, 255, 255, 255, 254, 255, 255, 255,
  ]),
}));
const extension = fc.record({
  type: fc.constant('extension' as const),
  extension: fc.constantFrom('exe', 'jar', 'a.b', 'constructor'),
});
const pattern: fc.Arbitrary<Pattern> = fc.oneof(
  { weight: 5, arbitrary: related },
  { weight: 5, arbitrary: alike },
  { weight: 2, arbitrary: extension },
  magicPattern(60, 256),
  extensionPattern,
);

describe('an index of patterns', () => {
  const cases = fc.tuple(fc.array(pattern, { maxLength: 80 }), pattern);

  it.each<readonly [string, (a: Pattern, b: Pattern) => boolean]>([
    ['cover a pattern', (a, b) => covers(a, b)],
    ['are covered by a pattern', (a, b) => covers(b, a)],
    ['are of the same type and overlap it', (a, b) => a.type === b.type && overlap(a, b)],
  ])('finds all that %s, in order, like a comparison of all pairs', (_, isRelated) => {
    fc.assert(
      fc.property(cases, ([patterns, wanted]) => {
        const index = createPatternIndex(patterns, (each) => each);
        const found = index.near(wanted).filter((each) => isRelated(each, wanted));
        expect(found).toEqual(patterns.filter((each) => isRelated(each, wanted)));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds items added later', () => {
    const index = createPatternIndex<Pattern>([], (each) => each);
    const jar: Pattern = { type: 'extension', extension: 'jar' };
    expect(index.near(jar)).toEqual([]);
    index.add(jar);
    expect(index.near(jar)).toEqual([jar]);
  });

  it('returns few of many rules that differ in one byte', () => {
    const rules = Array.from(
      { length: 4096 },
      (_, number): Pattern => ({
        type: 'magic',
        offset: 0,
        magic: new TextEncoder().encode(`RULE-${number}.`),
        mask: null,
      }),
    );
    const index = createPatternIndex(rules, (each) => each);
    for (const rule of rules) expect(index.near(rule).length).toBeLessThan(20);
  });
});
