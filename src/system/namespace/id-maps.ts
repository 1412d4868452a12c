/** Which ids outside stand for those inside a user namespace (user_namespaces(7)). */
import type { SubordinateIds } from '../../file-format/accounts.ts';

/** Ids `inside` to `inside + count - 1` are `outside` to `outside + count - 1` of the namespace above. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

export interface IdMaps {
  readonly uid: readonly IdRange[];
  readonly gid: readonly IdRange[];
}

/** Ids of one kind: what the caller is, and what it may take. */
export interface OwnIds {
  readonly id: number;
  readonly subordinate: readonly Pick<SubordinateIds, 'start' | 'count'>[];
}

/** All that this user namespace has, as they are: for root, who may. `present` are the lines of its own map. */
export function identityMap(present: readonly IdRange[]): readonly IdRange[] {
  return present.map(({ inside, count }) => ({ inside, outside: inside, count }));
}

/** The caller alone, as `inside`. */
export const singleMap = (id: number, inside: number): readonly IdRange[] => [
  { inside, outside: id, count: 1 },
];

/**
 * Root inside is whom the tree belongs to: the caller, as `unshare --map-root-user --map-auto` has it, or the first of the
 * caller's subordinate ids, as `mmdebstrap --mode=unshare` makes trees. The other ids follow in order.
 */
export function rootMap({ id, subordinate }: OwnIds, owner: number): readonly IdRange[] {
  const [first] = subordinate;
  const ranges = first !== undefined && owner === first.start ? [] : [...singleMap(id, 0)];
  // The caller is somebody inside at any rate: root there could not pass a folder of the caller's that is closed to others.
  for (const each of [...subordinate, { start: id, count: 1 }]) {
    for (const { start, count } of freeParts(each, ranges))
      ranges.push({ inside: idCount(ranges), outside: start, count });
  }
  return ranges;
}

/** Without what is taken: subuid(5) may give the same ids by name and by number, a map may not have them twice. */
function freeParts(range: Pick<SubordinateIds, 'start' | 'count'>, taken: readonly IdRange[]) {
  return taken.reduce(
    (parts, { outside, count: length }) =>
      parts.flatMap(({ start, count }) => {
        const below = Math.min(start + count, outside) - start;
        const next = Math.max(start, outside + length);
        const all = [
          { start, count: below },
          { start: next, count: start + count - next },
        ];
        return all.filter((part) => part.count > 0);
      }),
    [range],
  );
}

/** How many ids there are inside. */
export const idCount = (ranges: readonly IdRange[]): number =>
  ranges.reduce((sum, { count }) => sum + count, 0);

/** Whether an id exists inside. */
export const mapsId = (ranges: readonly IdRange[], id: number): boolean =>
  ranges.some(({ inside, count }) => id >= inside && id < inside + count);

/** Reads /proc/PID/uid_map. */
export function parseIdMap(text: string): readonly IdRange[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([inside, outside, count]) =>
      inside === undefined || outside === undefined || !count ? [] : [{ inside, outside, count }],
    );
}
