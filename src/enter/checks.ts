/** What a root must have before a program starts in it. */
import { statSync } from 'node:fs';
import { normalize } from 'node:path';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { ownsRoot } from '../rootfs/ids.ts';
import { resolveInRoot } from '../system/file/root-path.ts';
import type { IdMaps } from '../system/namespace/id-maps.ts';
import type { MountPlaces } from './mounts/places.ts';
import type { UserIdentity } from './types.ts';

/** Makes sure that a directory to begin in is there. @throws USAGE. */
export function requireFolder(root: string, workdir: string, bound: MountPlaces['binds']): void {
  const path = workdir.startsWith('/') ? resolveInRoot(root, workdir, bound) : null;
  const inside = normalize(`${workdir}/`);
  const isIn = (folder: string): boolean => inside.startsWith(`/${folder}/`);
  const targets = bound.map(({ target }) => target);
  const isOfMachine = ['proc', 'sys', 'dev'].some(isIn);
  // In these there is nothing at first but what is bound there.
  const isHidden = ['run', 'tmp'].some(isIn) && !targets.some(isIn);
  const isMade = ['run/lock', 'tmp', ...targets].some((each) => `/${each}/`.startsWith(inside));
  if (isOfMachine || isMade || (!isHidden && path !== null && statSync(path).isDirectory())) return;
  throw new BinfmtctlError('USAGE', `${root} has no folder ${workdir} to begin in`, {
    hint: '--workdir takes an absolute path inside',
  });
}

/** Makes sure that the user exists inside, and warns if the owner of the root does not. @throws USAGE. */
export function checkIds(
  root: string,
  maps: IdMaps,
  { uid, gid, name }: UserIdentity,
  { report }: Context,
): void {
  const { uid: owner } = statSync(root);
  if (!ownsRoot(maps, owner)) {
    const text = `${root} belongs to user ${owner}: you cannot change it; enter it as root, or a copy of yours`;
    report({ kind: 'warning', text });
  }
  const has = (id: number, kind: 'uid' | 'gid'): boolean =>
    maps[kind].some(({ inside, count }) => id >= inside && id < inside + count);
  if (has(uid, 'uid') && has(gid, 'gid')) return;
  throw new BinfmtctlError('USAGE', `user ${name} (${uid}:${gid}) does not exist inside`, {
    hint: 'only the ids of /etc/subuid and /etc/subgid do, besides root',
  });
}
