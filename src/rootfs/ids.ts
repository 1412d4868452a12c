import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Context } from '../context.ts';
import { parseSubordinateIds } from '../file-format/accounts.ts';
import { errnoOf } from '../system/file/file-error.ts';
import { type IdMaps, idCount, mapsId, rootMap, singleMap } from '../system/namespace/id-maps.ts';
import { findTool } from '../system/process/tools.ts';

/** The IDs of a whole system; its highest account, nobody, has 65534. */
const WHOLE_SYSTEM = 65536;

/**
 * The ID maps of a plain user's root: with the user's subordinate IDs if /etc/subuid and /etc/subgid have any,
 * otherwise only the user's ID, with a warning about the consequences.
 *
 * @param owner owner of the root's tree
 */
export function userMaps(
  owner: { readonly uid: number; readonly gid: number },
  { report }: Pick<Context, 'report'>,
): IdMaps {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  const single = { uid: singleMap(uid, 0), gid: singleMap(gid, 0) };
  const warn = (why: string, wayOut: string): IdMaps => {
    report({ kind: 'warning', text: `${why}: apt and su fail; ${wayOut}` });
    return single;
  };
  const [users, groups] = [readIds('/etc/subuid', uid), readIds('/etc/subgid', uid)];
  for (const each of [users, groups]) {
    if ('problem' in each)
      return warn(
        `cannot read ${each.file} (${each.problem})`,
        'as root, make the file readable for all users',
      );
  }
  if ('problem' in users || 'problem' in groups) return single;
  if (users.ids.length === 0 || groups.ids.length === 0) {
    const range = freeRange([...users.taken, ...groups.taken]);
    return warn('no subordinate IDs', `as root, run \`usermod -v ${range} -w ${range} ${users.name}\``);
  }
  if (findTool('newuidmap') === null || findTool('newgidmap') === null)
    return warn(
      'newuidmap or newgidmap not found',
      'install the package uidmap (shadow-utils or shadow on other distributions)',
    );
  return {
    uid: rootMap({ id: uid, subordinate: users.ids }, owner.uid),
    gid: rootMap({ id: gid, subordinate: groups.ids }, owner.gid),
  };
}

/** True if the owner of a root is mapped inside. */
export const ownsRoot = (maps: IdMaps, owner: number): boolean =>
  maps.uid.some(({ outside, count }) => owner >= outside && owner < outside + count);

/** True if the caller is root inside, as user and as group. */
export const isOwnRoot = ({ uid, gid }: IdMaps): boolean =>
  standsForRoot(uid, process.geteuid?.()) && standsForRoot(gid, process.getegid?.());

const standsForRoot = (ranges: IdMaps['uid'], id: number | undefined): boolean =>
  ranges.some(({ inside, outside }) => inside === 0 && outside === id);

/** True if IDs other than root's are mapped. */
export const hasSeveralIds = ({ uid, gid }: IdMaps): boolean => idCount(uid) > 1 && idCount(gid) > 1;

/** Group 5 is `tty` on every distribution. */
export const hasTtyGroup = ({ gid }: IdMaps): boolean => mapsId(gid, 5);

/** A range after all assigned ranges: users who share an ID could access each other's files. */
function freeRange(taken: readonly IdBlock[]): string {
  const start = Math.max(100_000, ...taken.map((each) => each.start + each.count));
  return `${start}-${start + WHOLE_SYSTEM - 1}`;
}

interface IdBlock {
  readonly start: number;
  readonly count: number;
}

interface Ids {
  readonly file: string;
  readonly name: string;
  readonly ids: readonly IdBlock[];
  /** The ranges of all users. */
  readonly taken: readonly IdBlock[];
}

function readIds(file: string, uid: number): Ids | { readonly file: string; readonly problem: string } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const problem = errnoOf(error) ?? String(error);
    if (problem !== 'ENOENT') return { file, problem };
    text = '';
  }
  const name = nameOf(uid);
  const taken = parseSubordinateIds(text);
  return { file, name, ids: taken.filter(({ owner }) => owner === name || owner === `${uid}`), taken };
}

function nameOf(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return `${uid}`;
  }
}
