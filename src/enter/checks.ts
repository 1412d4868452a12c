/** Checks of a root before a program starts in it. */
import { statSync } from 'node:fs';
import { normalize } from 'node:path';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { ownsRoot } from '../rootfs/ids.ts';
import { resolveInRoot } from '../system/file/root-path.ts';
import type { IdMaps } from '../system/namespace/id-maps.ts';
import type { MountPlaces } from './mounts/places.ts';
import type { UserIdentity } from './types.ts';

/** Checks that the working directory exists or will be created. @throws USAGE. */
export function requireWorkdir(root: string, workdir: string, bound: MountPlaces['binds']): void {
  const path = workdir.startsWith('/') ? resolveInRoot(root, workdir, bound) : null;
  const inside = normalize(`${workdir}/`);
  const isIn = (directory: string): boolean => inside.startsWith(`/${directory}/`);
  const targets = bound.map(({ target }) => target);
  const isOfMachine = ['proc', 'sys', 'dev'].some(isIn);
  // A new tmpfs hides these, so they contain only bind mounts.
  const isHidden = ['run', 'tmp'].some(isIn) && !targets.some(isIn);
  const isMade = ['run/lock', 'tmp', ...targets].some((each) => `/${each}/`.startsWith(inside));
  if (isOfMachine || isMade || (!isHidden && path !== null && statSync(path).isDirectory())) return;
  throw new BinfmtctlError('USAGE', `--workdir ${workdir} is not a directory in ${root}`, {
    hint: 'pass an absolute path inside the root',
  });
}

/** Checks that the user is mapped inside, and warns if the owner of the root is not. @throws USAGE. */
export function checkIds(
  root: string,
  maps: IdMaps,
  { uid, gid, name }: UserIdentity,
  { report }: Context,
): void {
  const { uid: owner } = statSync(root);
  if (!ownsRoot(maps, owner)) {
    const text = `${root} belongs to user ${owner}, so the program cannot change it; enter it as root, or enter a copy that you own`;
    report({ kind: 'warning', text });
  }
  const has = (id: number, kind: 'uid' | 'gid'): boolean =>
    maps[kind].some(({ inside, count }) => id >= inside && id < inside + count);
  if (has(uid, 'uid') && has(gid, 'gid')) return;
  throw new BinfmtctlError('USAGE', `user ${name} (${uid}:${gid}) is not mapped in the user namespace`, {
    hint: 'use root, or an ID that /etc/subuid and /etc/subgid assign to you',
  });
}
