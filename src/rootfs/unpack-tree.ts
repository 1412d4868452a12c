import { statfs } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { Header } from 'tar-stream';
import { modernTar } from '../archive/modern-tar.ts';
import { readTar } from '../archive/tar-reader.ts';
import { BinfmtctlError, interrupted } from '../errors.ts';
import { corrupt } from '../system/file/integrity.ts';
import type { IdMaps, IdRange } from '../system/namespace/id-maps.ts';
import { run } from '../system/process/process.ts';
import { commandLine } from '../text/shell.ts';
import { confinedTool, runConfined, type TreePlace } from './confined.ts';
import { pathToClear } from './entry.ts';
import { filterTar } from './filter.ts';

export interface Unpacking extends TreePlace {
  /** For messages: `layer sha256:…`. */
  readonly what: string;
  readonly signal: AbortSignal;
}

/** In bytes; the free space of the disk is a further limit. */
const MAX_TREE = 256 * 1024 ** 3;

/**
 * Unpacks an archive into a tree with tar(1), including owners, permissions and extended attributes.
 *
 * @param keep decides for each entry whether to unpack it
 * @throws BAD_PACKAGE if the archive is corrupt, has unsafe names, or leads out of the tree; FILE_FAILED if the disk is
 * full; NO_PRIVILEGE if owners are not mapped; NO_TOOL; INTERRUPTED; errors of `bytes`.
 */
export async function unpackTree(
  bytes: AsyncIterable<Uint8Array>,
  keep: (header: Header) => boolean,
  { what, signal, ...place }: Unpacking,
): Promise<void> {
  const { bavail, bsize } = await statfs(place.tree);
  const free = Math.min(MAX_TREE, bavail * bsize);
  let size = 0;
  const fits = (header: Header): boolean => {
    size += header.size ?? 0;
    if (size > free) throw diskFull(what, `it needs more than ${free} bytes`);
    return keep(header);
  };
  // Twice the limit, as headers and padding count too.
  const input = filterTar(modernTar(bytes), { what, maxBytes: 2 * MAX_TREE, signal }, fits);
  const { exitCode, stderr } = await runConfined(place, await tarCommand(place.maps), { input, signal });
  if (signal.aborted) throw interrupted(signal, 'fetching');
  if (exitCode !== 0) throw unpackError(what, stderr, exitCode);
}

/**
 * Prepares a tree for a layer: applies its whiteouts, and removes directories and files that it replaces by other
 * types.
 *
 * @throws errors of `unpackTree`.
 */
export async function clearPaths(
  layer: () => AsyncIterable<Uint8Array>,
  { what, signal, ...place }: Unpacking,
): Promise<void> {
  const paths = new Set<string>();
  for await (const { header } of readTar(modernTar(layer()), { what, maxBytes: 2 * MAX_TREE, signal })) {
    const needed = pathToClear(header);
    if (needed !== null) paths.add(`${needed.kind} ./${needed.path}\0`);
  }
  if (paths.size === 0) return;
  const xargs = confinedTool('xargs', 'findutils');
  const command = [...xargs, '-0', 'sh', '-c', clearScript(), 'sh'];
  const input = Readable.from([Buffer.from([...paths].join(''))]);
  const { exitCode, stderr } = await runConfined(place, command, { input, signal });
  if (signal.aborted) throw interrupted(signal, 'fetching');
  if (exitCode !== 0) throw unpackError(what, stderr, exitCode);
}

/** Each argument is a kind and a path. Links in place of directories are not followed. */
function clearScript(): string {
  const rm = commandLine(confinedTool('rm', 'coreutils'));
  return `for each do
  path=\${each#* }
  kind=other
  if [ -L "$path" ]; then kind=link; elif [ -d "$path" ]; then kind=folder; elif [ ! -e "$path" ]; then kind=none; fi
  case $kind,$each in
  none,*) ;;
  *,path*) ${rm} -rf -- "$path" ;;
  folder,content*) ${rm} -rf -- "$path"/* "$path"/.[!.]* "$path"/..?* ;;
  folder,file* | link,folder* | other,folder*) ${rm} -rf -- "$path" ;;
  esac || exit
done`;
}

async function tarCommand(maps: IdMaps | null): Promise<readonly string[]> {
  const tar = confinedTool('tar', 'tar');
  const [file, ...args] = tar;
  const { stdout } = await run(file, [...args, '--version'], { env: { LC_ALL: 'C' } });
  const version = new TextDecoder().decode(stdout);
  const isGnu = version.includes('GNU tar');
  // With a single mapped ID, chown to other users fails.
  const isAlone = maps !== null && isOne(maps.uid) && isOne(maps.gid);
  const owners = isAlone ? '--no-same-owner' : '--same-owner';
  if (isGnu) return [...tar, '-x', '-p', '-f', '-', '--numeric-owner', owners, ...GNU];
  // BusyBox tar has no such option: it restores owners as root by default.
  const more = version.includes('bsdtar') ? [owners] : isAlone ? ['-o'] : [];
  return [...tar, '-x', '-p', '-f', '-', '--numeric-owner', ...more];
}

/** Excludes the attributes of overlayfs, which would take effect when the tree becomes a lower directory. */
const GNU = ['--xattrs', '--xattrs-include=*', '--xattrs-exclude=*.overlay.*'];

const diskFull = (what: string, why: string): BinfmtctlError =>
  new BinfmtctlError('FILE_FAILED', `cannot unpack ${what}: ${why}`, {
    hint: 'free some space, or use a store on another disk with --store DIR',
  });

const isOne = (ranges: readonly IdRange[]): boolean => ranges.length === 1 && ranges[0]?.count === 1;

function unpackError(what: string, complaints: string, exitCode: number | null): BinfmtctlError {
  const lines = complaints.trim().split('\n');
  const line = lines.find((each) => !/^tar: Removing leading|WARNING|warning: /.test(each)) ?? '';
  const why = line.trim() || `tar ended with status ${exitCode}`;
  if (/No space left|quota exceeded/i.test(why)) return diskFull(what, 'the disk is full');
  if (/change ownership|chown|lchown/i.test(why))
    return new BinfmtctlError('NO_PRIVILEGE', `cannot unpack ${what}: ${why}`, {
      hint: 'run it as root, or allocate more subordinate IDs to this user in /etc/subuid and /etc/subgid',
    });
  return corrupt(`cannot unpack ${basename(what)}: ${why}`);
}
