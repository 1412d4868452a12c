/** Interprets archive entries of trees and layers. Pure: never uses a name as a path. */
import type { Header } from 'tar-stream';
import { corrupt } from '../system/file/integrity.ts';

/** Names of whiteouts in the image spec (layer.md, "Whiteouts") and in AUFS, where they originate. */
const WHITEOUT = '.wh.';
const META = '.wh..wh.';
const OPAQUE = '.wh..wh..opq';

const WITH_BYTES = ['file', 'contiguous-file'];
const PLAIN = [...WITH_BYTES, 'directory', 'symlink', 'link', 'fifo'];
const DEVICES = ['character-device', 'block-device'];

/** A path to clear before a layer is unpacked, relative to the root: `usr/bin`. */
export interface PathToClear {
  /**
   * `path`: removed; `content`: the directory is emptied; `file`: removed if it is a directory, since the layer has a
   * file there; `folder`: removed unless it is a directory.
   */
  readonly kind: 'path' | 'content' | 'file' | 'folder';
  readonly path: string;
}

/**
 * Returns a filter that decides for each entry in turn whether to unpack it. Skips devices, and hard links to them:
 * `/dev` is populated when the tree is entered, and plain users cannot create devices.
 *
 * @throws BAD_PACKAGE if a name or the target of a hard link contains `..`, or if the type is unsupported.
 */
export function treeFilter(): (header: Header) => boolean {
  const skipped = new Set<string>();
  return ({ name: shortName, type, linkname, size, pax }) => {
    const name = nameOf(shortName, pax);
    const parts = partsOf(name);
    const kind = type ?? 'unknown';
    if (DEVICES.includes(kind)) {
      skipped.add(parts.join('/'));
      return false;
    }
    if (!PLAIN.includes(kind)) throw corrupt(`${JSON.stringify(name)} has an unsupported type (${type})`);
    // Programs disagree on whether these bytes are content or further entries.
    if (!WITH_BYTES.includes(kind) && (size ?? 0) > 0)
      throw corrupt(`${JSON.stringify(name)} is a ${kind} with content`);
    return kind !== 'link' || !skipped.has(partsOf(linkname ?? '').join('/'));
  };
}

/**
 * Like `treeFilter`, for a layer of an image. Also skips whiteouts and AUFS metadata.
 *
 * @throws BAD_PACKAGE as `treeFilter`, and for a whiteout without a name.
 */
export function layerFilter(): (header: Header) => boolean {
  const keep = treeFilter();
  return (header) => whiteoutOf(header) === null && keep(header);
}

/** The path to clear for an entry of a layer; null if there is none. @throws BAD_PACKAGE as `layerFilter`. */
export function pathToClear(header: Header): PathToClear | null {
  const whiteout = whiteoutOf(header);
  if (whiteout !== null) return whiteout === 'note' ? null : whiteout;
  const path = partsOf(nameOf(header.name, header.pax)).join('/');
  return path === '' ? null : { kind: header.type === 'directory' ? 'folder' : 'file', path };
}

function whiteoutOf({ name, pax }: Header): PathToClear | 'note' | null {
  const parts = partsOf(nameOf(name, pax));
  const last = parts.at(-1) ?? '';
  const parents = parts.slice(0, -1);
  if (parents.some((part) => part.startsWith(META))) return 'note';
  if (!last.startsWith(WHITEOUT)) return null;
  if (last === OPAQUE) return { kind: 'content', path: parents.join('/') };
  if (last.startsWith(META)) return 'note';
  const gone = last.slice(WHITEOUT.length);
  if (gone === '' || gone === '.' || gone === '..') throw corrupt(`unsafe file name ${JSON.stringify(name)}`);
  return { kind: 'path', path: [...parents, gone].join('/') };
}

/** GNU tar stores the name of a sparse file in a PAX header (its manual, "PAX Format, Version 1.0"). */
const nameOf = (name: string, pax: Header['pax']): string =>
  (pax as Readonly<Record<string, string>> | null | undefined)?.['GNU.sparse.name'] ?? name;

/** Absolute names are relative to the root of the tree, as in tar(1) and container engines. */
function partsOf(name: string): readonly string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0')) throw corrupt(`unsafe file name ${JSON.stringify(name)}`);
  return parts;
}

const IMAGE_FILE =
  /^(?:oci-layout|index\.json|manifest\.json|repositories|blobs|(?:sha256:)?[0-9a-f]{64}(?:\.json|\.tar(?:\.gz)?)?)$/;

/**
 * True if an archive that begins with this entry is an image, false if it is a tree, null if a later entry must decide.
 */
export function beginsImage({ name }: Header): boolean | null {
  const [first] = partsOf(name);
  return first === undefined ? null : IMAGE_FILE.test(first);
}
