import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pattern, Rule } from '../../../src/rule/types.ts';
import { findChainFault, findConcerned } from '../../../src/safety/interpreter-chain.ts';
import type { Machine } from '../../../src/safety/types.ts';

const text = (line: string): Uint8Array => new TextEncoder().encode(line);
const FILES: Readonly<Record<string, { readonly head: Uint8Array; readonly native: boolean }>> = {
  '/a': { head: text('AAAA'), native: true },
  '/b': { head: text('BBBB'), native: false },
  '/c.x': { head: text('CCCC'), native: true },
  '/to-a': { head: text('#!/a\n'), native: false },
  '/to-b': { head: text('#!/b\n'), native: false },
  '/to-to-b': { head: text('#!/to-b\n'), native: false },
  '/to-missing': { head: text('#!/missing.y\n'), native: false },
  '/env': { head: text('#!/bin/env tool.z\n'), native: false },
};
const machine: Machine = {
  natives: [],
  unproven: [],
  programs: () => [],
  open: (path) => FILES[path] ?? 'ENOENT',
};

const magic = fc.record({
  type: fc.constant('magic' as const),
  offset: fc.constantFrom(0, 0, 1),
  magic: fc.constantFrom('A', 'AA', 'BB', 'CCCC', '#!', '#!/a', 'ZZ').map(text),
  mask: fc.constant(null),
});
const extension = fc.record({
  type: fc.constant('extension' as const),
  extension: fc.constantFrom('x', 'y', 'z', 'w', 'a.b'),
});
const rule: fc.Arbitrary<Rule> = fc.record({
  name: fc.constantFrom('k', 'l', 'm', 'n', 'o', 'p'),
  pattern: fc.oneof<fc.Arbitrary<Pattern>[]>(magic, extension),
  interpreter: fc.constantFrom(...Object.keys(FILES), '/missing', '/missing.y'),
  flags: fc.constantFrom([], ['F'] as const, ['O'] as const),
});

describe('findConcerned', () => {
  it('returns every rule that has a fault together with the others', () => {
    let faults = 0;
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), fc.array(rule, { maxLength: 4 }), (rules, entries) => {
        const concerned = findConcerned(rules, entries, machine);
        for (const each of rules) {
          const others = [...rules.filter((other) => other !== each), ...entries];
          const fault = findChainFault(each, others, entries, machine);
          if (fault === null) continue;
          faults++;
          expect(concerned).toContain(each);
        }
      }),
      { numRuns: 5000 },
    );
    expect(faults).toBeGreaterThan(1000);
  });

  it('omits rules that are unrelated to the others', () => {
    const foreign = (name: string, word: string): Rule => ({
      name,
      pattern: { type: 'magic', offset: 0, magic: text(word), mask: null },
      interpreter: '/a',
      flags: [],
    });
    expect(findConcerned([foreign('k', 'XX'), foreign('l', 'YY')], [foreign('m', 'ZZ')], machine)).toEqual(
      [],
    );
  });
});
