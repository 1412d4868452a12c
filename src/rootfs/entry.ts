/** What an entry of the archive of a tree means. Pure: names are looked at, never used as paths. */
import type { Header } from 'tar-stream';
import { corrupt } from '../system/file/integrity.ts';

/** Those of the image spec (layer.md, "Whiteouts"), and of AUFS, which is where they come from. */
const WHITEOUT = '.wh.';
const META = '.wh..wh.';
const OPAQUE = '.wh..wh..opq';

const WITH_BYTES = ['file', 'contiguous-file'];
const PLAIN = [...WITH_BYTES, 'directory', 'symlink', 'link', 'fifo'];
const DEVICES = ['character-device', 'block-device'];

/** What has to go before a layer is unpacked; the path is from the root: `usr/bin`. */
export interface PathToClear {
  /** All that is there; what is in a folder; a folder where the layer has a file; or another thing where it has a folder. */
  readonly kind: 'path' | 'content' | 'file' | 'folder';
  readonly path: string;
}

/**
 * Says of each entry in turn whether it becomes a part of the tree. Devices do not: `/dev` is filled when the tree is
 * entered, and a plain user can make none.
 *
 * @throws BAD_PACKAGE for a name or the target of a hard link with `..` in it, and for what no tree has.
 */
export function treeFilter(): (header: Header) => boolean {
  const left = new Set<string>();
  return ({ name: shortName, type, linkname, size, pax }) => {
    const name = nameOf(shortName, pax);
    const parts = partsOf(name);
    const kind = type ?? 'unknown';
    if (DEVICES.includes(kind)) {
      left.add(parts.join('/'));
      return false;
    }
    if (!PLAIN.includes(kind))
      throw corrupt(`${JSON.stringify(name)} is of a kind that no tree needs (${type})`);
    // Some programs read such bytes as entries, and others do not.
    if (!WITH_BYTES.includes(kind) && (size ?? 0) > 0)
      throw corrupt(`${JSON.stringify(name)} is a ${kind} with bytes`);
    return kind !== 'link' || !left.has(partsOf(linkname ?? '').join('/'));
  };
}

/**
 * As `treeFilter`, for a layer of an image, whose whiteouts are no part of the tree either, nor are notes of AUFS.
 *
 * @throws BAD_PACKAGE for a whiteout of no name, too.
 */
export function layerFilter(): (header: Header) => boolean {
  const keep = treeFilter();
  return (header) => whiteoutOf(header) === null && keep(header);
}

/** What has to go for an entry of a layer, as far as it is there; null where nothing has. @throws BAD_PACKAGE as `layerFilter`. */
export function pathToClear(header: Header): PathToClear | null {
  const whiteout = whiteoutOf(header);
  if (whiteout !== null) return whiteout === 'note' ? null : whiteout;
  const path = partsOf(nameOf(header.name, header.pax)).join('/');
  return path === '' ? null : { kind: header.type === 'directory' ? 'folder' : 'file', path };
}

function whiteoutOf({ name, pax }: Header): PathToClear | 'note' | null {
  const parts = partsOf(nameOf(name, pax));
  const last = parts.at(-1) ?? '';
  const folder = parts.slice(0, -1);
  if (folder.some((part) => part.startsWith(META))) return 'note';
  if (!last.startsWith(WHITEOUT)) return null;
  if (last === OPAQUE) return { kind: 'content', path: folder.join('/') };
  if (last.startsWith(META)) return 'note';
  const gone = last.slice(WHITEOUT.length);
  if (gone === '' || gone === '.' || gone === '..')
    throw corrupt(`it has a file with the name ${JSON.stringify(name)}`);
  return { kind: 'path', path: [...folder, gone].join('/') };
}

/** GNU tar has the name of a file with holes apart (its manual, "PAX Format, Version 1.0"). */
const nameOf = (name: string, pax: Header['pax']): string =>
  (pax as Readonly<Record<string, string>> | null | undefined)?.['GNU.sparse.name'] ?? name;

/** An absolute name counts from the root of the tree, as for tar(1) and the engines of containers. */
function partsOf(name: string): readonly string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0'))
    throw corrupt(`it has a file with the name ${JSON.stringify(name)}`);
  return parts;
}

const IMAGE_FILE =
  /^(?:oci-layout|index\.json|manifest\.json|repositories|blobs|(?:sha256:)?[0-9a-f]{64}(?:\.json|\.tar(?:\.gz)?)?)$/;

/** Whether an archive that begins with this entry is an image's, not a tree's; null where that cannot be told yet. */
export function beginsImage({ name }: Header): boolean | null {
  const [first] = partsOf(name);
  return first === undefined ? null : IMAGE_FILE.test(first);
}
