/**
 * Finds files in image layers as if the layers were applied to a root (OCI image-spec layer.md, "Applying Changesets").
 */
import { posix } from 'node:path';
import type { Header } from 'tar-stream';
import { checkEntry, linkTarget } from '../archive/tar-entry.ts';
import type { TarEntry } from '../archive/tar-reader.ts';
import { addRole, type Role, type RolesByPath } from './members.ts';

export interface LayerSearch {
  readonly rolesByPath: RolesByPath;
  /** Called with each file that has roles. */
  readonly take: (path: string, roles: readonly Role[], bytes: AsyncIterable<Uint8Array>) => Promise<void>;
  /** Guests whose emulator, or a link to it, was found. */
  readonly settled: Set<string>;
  /** Roles of link targets, for the next search. */
  readonly linked: RolesByPath;
  /** Paths of the links found. */
  readonly followed: Set<string>;
  /** Paths that upper layers removed, including everything below. */
  readonly removed: Set<string>;
  /** Directories whose content in lower layers is hidden. */
  readonly opaque: Set<string>;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

export function newSearch(rolesByPath: RolesByPath, take: LayerSearch['take']): LayerSearch {
  const none = () => new Set<string>();
  return {
    rolesByPath,
    take,
    settled: none(),
    linked: new Map(),
    followed: none(),
    removed: none(),
    opaque: none(),
  };
}

/** True if every guest was found. */
export const isSettled = ({ rolesByPath, settled }: LayerSearch): boolean =>
  [...rolesByPath.values()].flat().every(({ guest }) => settled.has(guest));

/**
 * Searches a layer; call it from the highest layer down. The layer's whiteouts only affect the layers below it.
 *
 * @throws BAD_PACKAGE if a name or link leads out of the image, or if a device or directory is at an emulator's path.
 */
export async function searchLayer(
  entries: AsyncIterable<TarEntry>,
  search: LayerSearch,
  { isPackage = false }: { readonly isPackage?: boolean | undefined } = {},
): Promise<void> {
  const { rolesByPath, settled, take, linked } = search;
  const parents = parentsOfAll(rolesByPath);
  const removed: string[] = [];
  const opaque: string[] = [];
  for await (const { header, bytes } of entries) {
    const path = isPackage ? checkEntry(header) : nameOf(header);
    const name = posix.basename(path);
    if (name.startsWith(WHITEOUT)) {
      const parent = posix.dirname(path);
      const target = posix.join(parent, name.slice(WHITEOUT.length));
      if (name === OPAQUE) opaque.push(parent);
      else if (rolesByPath.has(target) || parents.has(target)) removed.push(target);
      continue;
    }
    if (parents.has(path) && header.type !== 'directory') removed.push(path);
    const roles = (rolesByPath.get(path) ?? []).filter(({ guest }) => !settled.has(guest));
    if (roles.length === 0 || isHidden(path, search)) continue;
    const target = linkTarget(checkedHeader(header), path);
    if (target === null) await take(path, roles, bytes);
    else {
      search.followed.add(path);
      for (const role of roles) addRole(linked, target, role);
    }
    for (const { guest } of roles) settled.add(guest);
    if (isSettled(search)) return;
  }
  for (const path of removed) search.removed.add(path);
  for (const path of opaque.filter((each) => parents.has(each))) search.opaque.add(path);
}

/** Images may contain devices and pipes, which are never created. Names must not lead out of the image. */
const nameOf = (header: Header): string => checkEntry({ ...header, type: 'file' });

/** At an emulator's path, devices and pipes are errors. */
function checkedHeader(header: Header): Header {
  checkEntry(header);
  return header;
}

function isHidden(path: string, { removed, opaque }: LayerSearch): boolean {
  if (removed.has(path)) return true;
  return parentsOf(path).some((parent) => removed.has(parent) || opaque.has(parent));
}

const parentsOfAll = (rolesByPath: RolesByPath): ReadonlySet<string> =>
  new Set([...rolesByPath.keys()].flatMap(parentsOf));

function parentsOf(path: string): readonly string[] {
  const parent = posix.dirname(path);
  return parent === path ? [] : [parent, ...parentsOf(parent)];
}
