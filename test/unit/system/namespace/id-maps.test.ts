import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type IdRange,
  idCount,
  identityMap,
  mapsId,
  parseIdMap,
  rootMap,
  singleMap,
} from '../../../../src/system/namespace/id-maps.ts';

const id = fc.nat(2 ** 32 - 2);
const ranges = fc.array(
  fc.record({ inside: id, outside: id, count: fc.integer({ min: 1, max: 2 ** 32 - 1 }) }),
);
/** As kernel/user_namespace.c uid_m_show() writes it. */
const shown = (map: readonly IdRange[]): string =>
  map
    .map((range) =>
      [range.inside, range.outside, range.count].map((each) => `${each}`.padStart(10)).join(' '),
    )
    .map((line) => `${line}\n`)
    .join('');

describe('parseIdMap', () => {
  it('reads what the kernel shows of any map', () => {
    fc.assert(
      fc.property(ranges, (map) => {
        expect(parseIdMap(shown(map))).toEqual(map);
      }),
    );
  });

  it('finds no ids in a namespace that has none yet', () => {
    expect(parseIdMap('')).toEqual([]);
  });
});

describe('identityMap', () => {
  it('has all ids of this namespace, as they are', () => {
    const present = parseIdMap('         0       1000          1\n         1     100000      65536\n');
    expect(identityMap(present)).toEqual([
      { inside: 0, outside: 0, count: 1 },
      { inside: 1, outside: 1, count: 65536 },
    ]);
  });
});

describe('rootMap', () => {
  const subordinate = [
    { start: 100000, count: 65536 },
    { start: 300000, count: 10 },
  ];

  it('takes the caller for root of a tree of its own, and the subordinate ids for the others', () => {
    expect(rootMap({ id: 1000, subordinate }, 1000)).toEqual([
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100000, count: 65536 },
      { inside: 65537, outside: 300000, count: 10 },
    ]);
  });

  it('takes the first subordinate id for root of a tree that belongs to it, and has the caller, too', () => {
    expect(rootMap({ id: 1000, subordinate }, 100000)).toEqual([
      { inside: 0, outside: 100000, count: 65536 },
      { inside: 65536, outside: 300000, count: 10 },
      { inside: 65546, outside: 1000, count: 1 },
    ]);
  });

  it('takes the caller for root of a tree of anybody else', () => {
    expect(rootMap({ id: 1000, subordinate }, 0)[0]).toEqual({ inside: 0, outside: 1000, count: 1 });
  });

  it('has the caller alone without subordinate ids', () => {
    expect(rootMap({ id: 1000, subordinate: [] }, 0)).toEqual(singleMap(1000, 0));
  });

  it('gives every id outside once only, as the kernel wants it, and those inside without a gap', () => {
    const some = fc.array(fc.record({ start: fc.nat(200), count: fc.integer({ min: 1, max: 50 }) }));
    fc.assert(
      fc.property(fc.nat(200), some, fc.nat(200), (own, subordinate, owner) => {
        const map = rootMap({ id: own, subordinate }, owner);
        const outside = map.flatMap(({ outside, count }) =>
          Array.from({ length: count }, (_, index) => outside + index),
        );
        expect(new Set(outside).size).toBe(outside.length);
        let next = 0;
        for (const { inside, count } of map) {
          expect(inside).toBe(next);
          next += count;
        }
        const given = subordinate.flatMap(({ start, count }) =>
          Array.from({ length: count }, (_, index) => start + index),
        );
        expect(new Set(outside)).toEqual(new Set([own, ...given]));
      }),
    );
  });
});

describe('idCount and mapsId', () => {
  it('know the ids inside', () => {
    const map = [
      { inside: 0, outside: 1000, count: 1 },
      { inside: 5, outside: 100000, count: 2 },
    ];
    expect(idCount(map)).toBe(3);
    expect([0, 1, 4, 5, 6, 7, 1000].filter((each) => mapsId(map, each))).toEqual([0, 5, 6]);
  });
});
