import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { archOfPattern } from '../../../src/catalogue/of-pattern.ts';
import { archPattern } from '../../../src/catalogue/resolve.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';
import { covers } from '../../../src/rule/algebra.ts';
import { matches } from '../../../src/rule/match.ts';
import type { MagicPattern } from '../../../src/rule/types.ts';

const catalogue = builtinCatalogue();
const arches = Object.values(catalogue.arches);

/** Patterns of arches with bytes of their masks opened, and cut at either end. */
const pattern: fc.Arbitrary<MagicPattern> = fc
  .record({
    arch: fc.constantFrom(...arches),
    opened: fc.array(fc.nat(19), { maxLength: 4 }),
    bits: fc.constantFrom(0x00, 0xfe, 0x7f),
    start: fc.constantFrom(0, 0, 4, 18, 19),
    length: fc.constantFrom(20, 19, 18, 1),
    isMasked: fc.boolean(),
  })
  .map(({ arch, opened, bits, start, length, isMasked }) => {
    const { magic, mask } = archPattern(arch);
    const open = (mask ?? magic.map(() => 0xff)).slice();
    for (const at of opened) open[at] = bits;
    const part = (of: Uint8Array) => of.slice(start, start + length);
    return { type: 'magic', offset: start, magic: part(magic), mask: isMasked ? part(open) : null };
  });

describe('archOfPattern', () => {
  it('finds the same arch as a comparison with all arches', () => {
    fc.assert(
      fc.property(pattern, (each) => {
        const taken = arches.filter((arch) => matches(each, archPattern(arch).magic, ''));
        const expected = taken.find((arch) => covers(each, archPattern(arch))) ?? taken[0] ?? null;
        expect(archOfPattern(catalogue, each)?.id).toBe(expected?.id);
      }),
      { numRuns: 3000 },
    );
  });
});
