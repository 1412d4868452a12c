import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { byteProgress } from '../net/progress.ts';
import { INDEX } from '../oci/layout.ts';
import { membersOfArchive, membersOfDirectory } from '../oci/members.ts';
import { splitDigest } from '../oci/path.ts';
import { fileError } from '../system/file/file-error.ts';
import { fileIdentity } from '../system/file/files.ts';
import { withArchiveName, writeHashed } from '../system/file/integrity.ts';
import type { IdMaps } from '../system/namespace/id-maps.ts';
import { openTreeArchive, requireFile, type TreeArchive, treeError } from './archive.ts';
import { findTree, type PartialTree, treeKey, withTree } from './cache.ts';
import { treeFilter } from './entry.ts';
import { layersOfImage } from './image.ts';
import { holdTree } from './tree-use.ts';
import { unpackLayers } from './unpack-layers.ts';
import { unpackTree } from './unpack-tree.ts';

/** A root file system in a directory. */
export interface Rootfs {
  readonly directory: string;
  /** The path as given. */
  readonly name: string;
  /** True for a tree of the cache. */
  readonly unpacked: boolean;
}

export interface RootfsOptions {
  /** Directory of the trees: STORE/roots. */
  readonly store: string;
  /** For images with several platforms; if empty, this machine's platform, otherwise the only one. */
  readonly arches: readonly Arch[];
  /** ID maps for the tree's files; null for the owners in the archive, which requires root. */
  readonly maps: IdMaps | null;
}

/**
 * Opens a root file system: a directory, a tar archive, an OCI layout, or an image archive. Unpacked trees are cached
 * by the state of the file or the digests of the layers.
 *
 * @param path for an image, optionally followed by `@sha256:…`
 * @throws BAD_SOURCE if the format is unsupported; BAD_PACKAGE if the file is corrupt or unsafe; USAGE, SOURCE_FAILED
 * if several images or none match; NO_PRIVILEGE, NO_TOOL, FILE_FAILED, READ_ONLY, LOCKED, INTERRUPTED.
 */
export async function openRootfs(path: string, options: RootfsOptions, context: Context): Promise<Rootfs> {
  const place = await locateRootfs(path);
  const { file, digest, facts } = place;
  const isDirectory = facts.isDirectory();
  if (isDirectory && !(await isLayoutDirectory(file))) {
    if (digest !== null) throw treeError(path, 'is a directory, not an image');
    return { directory: file, name: path, unpacked: false };
  }
  if (!isDirectory) requireFile(path, facts);
  const open = isDirectory ? openDirectory : openFile;
  const source = digest === null ? file : `${file}@${digest}`;
  for (let tries = 1; ; tries++) {
    const directory = await withArchiveName(path, () => open(path, place, options, context));
    // `store prune` may have removed the tree just now. It is unpacked again then.
    if ((await holdTree(dirname(directory), source, context)) || tries === TRIES)
      return { directory, name: path, unpacked: true };
  }
}

const TRIES = 3;

interface RootfsFile {
  readonly file: string;
  /** Of the image to use; null if not given. */
  readonly digest: string | null;
  readonly facts: Stats;
}

async function locateRootfs(path: string): Promise<RootfsFile> {
  const [name, digest] = splitDigest(path);
  const isWhole = digest === null || (await exists(path));
  try {
    const file = await realpath(isWhole ? path : name);
    return { file, digest: isWhole ? null : digest, facts: await stat(file) };
  } catch (cause) {
    const error = fileError(cause, `open ${path}`);
    if (error.code !== 'FILE_FAILED') throw error;
    throw new BinfmtctlError('BAD_SOURCE', error.message, { hint: error.hint, cause });
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** A layout has both files (image-spec image-layout.md, "Content"). */
async function isLayoutDirectory(directory: string): Promise<boolean> {
  const names = ['oci-layout', INDEX].map((name) => join(directory, name));
  return (await Promise.all(names.map(exists))).every((each) => each);
}

/** The digests of the layers are known without unpacking them. */
async function openDirectory(
  path: string,
  { file, digest }: RootfsFile,
  { store, arches, maps }: RootfsOptions,
  context: Context,
): Promise<string> {
  const layers = await layersOfImage(
    { name: path, members: membersOfDirectory(file), digest },
    arches,
    context,
  );
  const key = treeKey(
    'layers',
    layers.map((layer) => layer.digest),
    maps,
  );
  const fill = (partial: PartialTree) => unpackLayers(layers, maps, partial, context);
  return (await findTree(store, key)) ?? withTree({ roots: store, key, maps }, context, fill);
}

/** An unchanged file is not even opened. */
async function openFile(
  path: string,
  { file, digest }: RootfsFile,
  { store, arches, maps }: RootfsOptions,
  context: Context,
): Promise<string> {
  const { dev, ino, size, mtimeNs } = await fileIdentity(file);
  const state = [file, dev, ino, size, mtimeNs, maps];
  const ids = arches.map(({ id }) => id);
  const keys = { tree: treeKey('tree', state), image: treeKey('image', state, digest, ids) };
  const known = await Promise.all([
    digest === null ? findTree(store, keys.tree) : null,
    findTree(store, keys.image),
  ]);
  const first = known.find((each) => each !== null);
  if (first !== undefined && first !== null) return first;
  const { signal } = context;
  const archive = await openTreeArchive(file, signal);
  if (archive.isImage)
    return withTree({ roots: store, key: keys.image, maps }, context, async (partial) => {
      const plain = archive.needsProgram ? await unpackedBefore(archive, partial) : file;
      const members = await membersOfArchive(plain, partial.workDirectory, signal);
      const layers = await layersOfImage({ name: path, members, digest }, arches, context);
      await unpackLayers(layers, maps, partial, context);
    });
  if (digest !== null) throw treeError(path, 'is an archive, but not of an image');
  return withTree({ roots: store, key: keys.tree, maps }, context, ({ tree, root }) => {
    const bytes = archive.read(reporter(path, Number(size), context));
    return unpackTree(bytes, treeFilter(), { what: path, signal, tree, root, maps });
  });
}

function reporter(path: string, total: number, { report }: Context): (done: number) => void {
  report({ kind: 'stage', stage: 'unpack', text: path });
  const progress = byteProgress((each) => {
    if (each.kind === 'bytes') report({ ...each, stage: 'unpack' });
  });
  return (done) => progress(done, total);
}

/** Image archives need random access, so the file is decompressed as a whole. */
async function unpackedBefore({ read }: TreeArchive, { workDirectory }: PartialTree): Promise<string> {
  const plain = join(workDirectory, 'plain.tar');
  await writeHashed(plain, async ({ write }) => {
    for await (const chunk of read()) await write(chunk);
  });
  return plain;
}
