/** Parses the account files of /etc: passwd(5), group(5), subuid(5). Ignores invalid lines. */

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Empty means /bin/sh. */
  readonly shell: string;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
  /** Names of accounts that have it as a supplementary group. */
  readonly members: readonly string[];
}

/** Ids `start` to `start + count - 1`. */
export interface SubordinateIds {
  /** Name or number of the account. */
  readonly owner: string;
  readonly start: number;
  readonly count: number;
}

/** Parses passwd(5). */
export function parseAccounts(text: string): readonly Account[] {
  return fieldsOf(text, 7).flatMap(([name = '', , uid, gid, , home = '', shell = '']) => {
    const ids = [idOf(uid), idOf(gid)] as const;
    if (name === '' || ids[0] === null || ids[1] === null) return [];
    return [{ name, uid: ids[0], gid: ids[1], home, shell }];
  });
}

/** Parses group(5). */
export function parseGroups(text: string): readonly Group[] {
  return fieldsOf(text, 4).flatMap(([name = '', , gid, members = '']) => {
    const id = idOf(gid);
    return name === '' || id === null
      ? []
      : [{ name, gid: id, members: members.split(',').filter((each) => each !== '') }];
  });
}

/** Parses subuid(5) and subgid(5). */
export function parseSubordinateIds(text: string): readonly SubordinateIds[] {
  return fieldsOf(text, 3).flatMap(([owner = '', first, length]) => {
    const [start, count] = [idOf(first), idOf(length)];
    return owner === '' || start === null || !count ? [] : [{ owner, start, count }];
  });
}

const fieldsOf = (text: string, count: number): readonly (readonly string[])[] =>
  text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length === count);

/** (uid_t) -1 is not an id: setresuid(2) leaves the id unchanged then. */
const MAX_ID = 2 ** 32 - 2;

/** Parses a decimal id; null if it is invalid. */
export function idOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID ? Number(text) : null;
}
