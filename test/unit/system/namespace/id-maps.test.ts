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
/** In the format of kernel/user_namespace.c uid_m_show(). */
const shown = (map: readonly IdRange[]): string =>
  map
    .map((range) =>
      [range.inside, range.outside, range.count].map((each) => `${each}`.padStart(10)).join(' '),
    )
    .map((line) => `${line}\n`)
    .join('');

describe('parseIdMap', () => {
  it('reads any map in the format of the kernel', () => {
    fc.assert(
      fc.property(ranges, (map) => {
        expect(parseIdMap(shown(map))).toEqual(map);
      }),
    );
  });

  it('finds no IDs in a namespace without a map', () => {
    expect(parseIdMap('')).toEqual([]);
  });
});

describe('identityMap', () => {
  it('maps all IDs of this namespace to themselves', () => {
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

  it("maps the caller to root for the caller's tree, and subordinate IDs to the others", () => {
    expect(rootMap({ id: 1000, subordinate }, 1000)).toEqual([
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100000, count: 65536 },
      { inside: 65537, outside: 300000, count: 10 },
    ]);
  });

  it('maps the first subordinate ID to root for a tree that belongs to it, and also maps the caller', () => {
    expect(rootMap({ id: 1000, subordinate }, 100000)).toEqual([
      { inside: 0, outside: 100000, count: 65536 },
      { inside: 65536, outside: 300000, count: 10 },
      { inside: 65546, outside: 1000, count: 1 },
    ]);
  });

  it('maps the caller to root for a tree of any other user', () => {
    expect(rootMap({ id: 1000, subordinate }, 0)[0]).toEqual({ inside: 0, outside: 1000, count: 1 });
  });

  it('maps only the caller without subordinate IDs', () => {
    expect(rootMap({ id: 1000, subordinate: [] }, 0)).toEqual(singleMap(1000, 0));
  });

  it('maps every outer ID only once, as the kernel requires, and inner IDs without a gap', () => {
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
  it('count and find mapped IDs', () => {
    const map = [
      { inside: 0, outside: 1000, count: 1 },
      { inside: 5, outside: 100000, count: 2 },
    ];
    expect(idCount(map)).toBe(3);
    expect([0, 1, 4, 5, 6, 7, 1000].filter((each) => mapsId(map, each))).toEqual([0, 5, 6]);
  });
});
