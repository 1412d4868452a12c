import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAGS, formatFlags, normaliseFlags, parseFlags } from '../../../src/rule/flags.ts';

describe('flags', () => {
  it('round-trip, in any order and repeated', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...FLAGS)), (flags) => {
        expect(parseFlags(flags.join(''))).toEqual(normaliseFlags(flags));
        expect(parseFlags(formatFlags(flags))).toEqual(normaliseFlags(flags));
      }),
    );
  });

  it.each([
    ['FCOP', 'POCF'],
    ['CF', 'OCF'],
    ['PP', 'P'],
    ['FT', 'OFT'],
    ['LF', 'FL'],
    ['', ''],
  ])('turns %j into %j as the kernel prints it', (given, printed) => {
    expect(formatFlags(parseFlags(given) ?? [])).toBe(printed);
  });

  it.each(['p', 'D', 'P F', 'PX'])('refuses %j', (letters) => expect(parseFlags(letters)).toBeNull());
});
