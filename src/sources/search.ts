/** What the root of a container of an image would have at some paths (OCI image-spec layer.md, "Applying Changesets"). */
import { posix } from 'node:path';
import type { Header } from 'tar-stream';
import { checkEntry, linkTarget } from '../archive/tar-entry.ts';
import type { TarEntry } from '../archive/tar-reader.ts';
import { addRole, type Role, type RolesByPath } from './members.ts';

export interface LayerSearch {
  readonly rolesByPath: RolesByPath;
  /** Takes the file at a path that has roles. */
  readonly take: (path: string, roles: readonly Role[], bytes: AsyncIterable<Uint8Array>) => Promise<void>;
  /** Guests of which the emulator was found, or a link to it. */
  readonly settled: Set<string>;
  /** The roles of what links name, for the next search. */
  readonly linked: RolesByPath;
  /** The links that were met. */
  readonly followed: Set<string>;
  /** Paths that upper layers have taken away, with all beneath. */
  readonly removed: Set<string>;
  /** Folders whose content in lower layers does not count. */
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

/** Whether nothing is left to be looked for. */
export const isSettled = ({ rolesByPath, settled }: LayerSearch): boolean =>
  [...rolesByPath.values()].flat().every(({ guest }) => settled.has(guest));

/**
 * Goes through the next lower layer; the highest one comes first. What it takes away counts for those below it only.
 *
 * @throws BAD_PACKAGE for names and links that lead out of the image, and for what can be no emulator in the place of one.
 */
export async function searchLayer(
  entries: AsyncIterable<TarEntry>,
  search: LayerSearch,
  { isPackage = false }: { readonly isPackage?: boolean | undefined } = {},
): Promise<void> {
  const { rolesByPath, settled, take, linked } = search;
  const folders = foldersAbove(rolesByPath);
  const removed: string[] = [];
  const opaque: string[] = [];
  for await (const { header, bytes } of entries) {
    const path = isPackage ? checkEntry(header) : nameOf(header);
    const name = posix.basename(path);
    if (name.startsWith(WHITEOUT)) {
      const folder = posix.dirname(path);
      const target = posix.join(folder, name.slice(WHITEOUT.length));
      if (name === OPAQUE) opaque.push(folder);
      else if (rolesByPath.has(target) || folders.has(target)) removed.push(target);
      continue;
    }
    if (folders.has(path) && header.type !== 'directory') removed.push(path);
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
  for (const path of opaque.filter((each) => folders.has(each))) search.opaque.add(path);
}

/** Devices and pipes may be in an image, as none of them is ever made; names that lead out of it may not. */
const nameOf = (header: Header): string => checkEntry({ ...header, type: 'file' });

/** In the place of an emulator they may not. */
function checkedHeader(header: Header): Header {
  checkEntry(header);
  return header;
}

function isHidden(path: string, { removed, opaque }: LayerSearch): boolean {
  if (removed.has(path)) return true;
  return foldersOf(path).some((folder) => removed.has(folder) || opaque.has(folder));
}

const foldersAbove = (rolesByPath: RolesByPath): ReadonlySet<string> =>
  new Set([...rolesByPath.keys()].flatMap(foldersOf));

function foldersOf(path: string): readonly string[] {
  const folder = posix.dirname(path);
  return folder === path ? [] : [folder, ...foldersOf(folder)];
}
