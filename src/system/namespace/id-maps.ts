/** Mappings between IDs inside and outside a user namespace (user_namespaces(7)). */
import type { SubordinateIds } from '../../file-format/accounts.ts';

/** Maps IDs `inside` to `inside + count - 1` to `outside` to `outside + count - 1` in the parent namespace. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

export interface IdMaps {
  readonly uid: readonly IdRange[];
  readonly gid: readonly IdRange[];
}

/** The UIDs or GIDs of the caller: its own, and its subordinate ones. */
export interface OwnIds {
  readonly id: number;
  readonly subordinate: readonly Pick<SubordinateIds, 'start' | 'count'>[];
}

/** Maps all IDs of this user namespace to themselves, which requires root. `present` is the map of this namespace. */
export function identityMap(present: readonly IdRange[]): readonly IdRange[] {
  return present.map(({ inside, count }) => ({ inside, outside: inside, count }));
}

/** Maps only the caller's ID, to `inside`. */
export const singleMap = (id: number, inside: number): readonly IdRange[] => [
  { inside, outside: id, count: 1 },
];

/**
 * Maps the owner of the tree to root: the caller, as in `unshare --map-root-user --map-auto`, or the first of the caller's
 * subordinate IDs, as in trees of `mmdebstrap --mode=unshare`. The other IDs follow in order.
 */
export function rootMap({ id, subordinate }: OwnIds, owner: number): readonly IdRange[] {
  const [first] = subordinate;
  const ranges = first !== undefined && owner === first.start ? [] : [...singleMap(id, 0)];
  // The caller is always mapped; otherwise root inside could not enter private directories of the caller.
  for (const each of [...subordinate, { start: id, count: 1 }]) {
    for (const { start, count } of freeParts(each, ranges))
      ranges.push({ inside: idCount(ranges), outside: start, count });
  }
  return ranges;
}

/** The parts of a range that are not taken: subuid(5) may list IDs twice, by user name and by number, but a map must not. */
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

/** The number of mapped IDs. */
export const idCount = (ranges: readonly IdRange[]): number =>
  ranges.reduce((sum, { count }) => sum + count, 0);

/** Whether an ID inside is mapped. */
export const mapsId = (ranges: readonly IdRange[], id: number): boolean =>
  ranges.some(({ inside, count }) => id >= inside && id < inside + count);

/** Parses /proc/PID/uid_map or gid_map. */
export function parseIdMap(text: string): readonly IdRange[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([inside, outside, count]) =>
      inside === undefined || outside === undefined || !count ? [] : [{ inside, outside, count }],
    );
}
