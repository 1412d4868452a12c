import { statfs } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Header } from 'tar-stream';
import { corrupt } from '../../emulators/sources/integrity.ts';
import { readTar } from '../../emulators/sources/tar-reader.ts';
import { BinfmtctlError } from '../../errors.ts';
import { interrupted } from '../../system/http-error.ts';
import type { IdMaps, IdRange } from '../../system/id-maps.ts';
import { run } from '../../system/process.ts';
import { confinedTool, runConfined, type TreePlace } from './confined.ts';
import { removalOf } from './entry.ts';
import { filterTar } from './filter.ts';

export interface Unpacking extends TreePlace {
  /** For messages: `layer sha256:…`. */
  readonly what: string;
  readonly signal: AbortSignal;
}

/** No tree has more, in bytes; nor does one fit that has more than the disk. */
const MAX_TREE = 256 * 1024 ** 3;

/**
 * Unpacks an archive into a tree, with owners, permissions and extended attributes, by tar(1).
 *
 * @param keep says of each entry whether it is to be there
 * @throws BAD_PACKAGE for an archive that is damaged, has hostile names, or leads out of the tree; FILE_FAILED where the disk
 * is full; NO_PRIVILEGE for owners that the maps do not have; NO_TOOL; INTERRUPTED; what reading `bytes` throws.
 */
export async function unpackTree(
  bytes: AsyncIterable<Uint8Array>,
  keep: (header: Header) => boolean,
  { what, signal, ...place }: Unpacking,
): Promise<void> {
  const { bavail, bsize } = await statfs(place.tree);
  const free = Math.min(MAX_TREE, bavail * bsize);
  const input = filterTar(bytes, { what, maxBytes: free, signal }, keep);
  const { exitCode, stderr } = await runConfined(place, await tarCommand(place.maps), { input, signal });
  if (signal.aborted) throw interrupted(signal);
  if (exitCode !== 0) throw notUnpacked(what, stderr, exitCode);
}

/** Takes away what a layer says is gone, before that layer is unpacked. @throws as `unpackTree`. */
export async function applyWhiteouts(
  layer: () => AsyncIterable<Uint8Array>,
  { what, signal, ...place }: Unpacking,
): Promise<void> {
  const removals = { path: new Set<string>(), content: new Set<string>() };
  const options = { what, maxBytes: MAX_TREE, signal };
  for await (const { header } of readTar(layer(), options)) {
    const removal = removalOf(header);
    if (removal !== null && removal !== 'nothing') removals[removal.kind].add(removal.path);
  }
  const rm = confinedTool('rm', 'coreutils');
  const find = confinedTool('find', 'findutils');
  const empty = [
    'sh',
    '-c',
    `for each do [ ! -d "$each" ] || ${quoted(find)} "$each" -mindepth 1 -delete || exit; done`,
  ];
  await forEach(removals.path, [...rm, '-rf', '--'], place, what, signal);
  await forEach(removals.content, [...empty, 'sh'], place, what, signal);
}

async function forEach(
  paths: ReadonlySet<string>,
  command: readonly string[],
  place: TreePlace,
  what: string,
  signal: AbortSignal,
): Promise<void> {
  if (paths.size === 0) return;
  const xargs = confinedTool('xargs', 'findutils');
  const names = Buffer.from([...paths].map((path) => `./${path}\0`).join(''));
  const input = (async function* () {
    yield names;
  })();
  const { exitCode, stderr } = await runConfined(place, [...xargs, '-0', ...command], { input, signal });
  if (signal.aborted) throw interrupted(signal);
  if (exitCode !== 0) throw notUnpacked(what, stderr, exitCode);
}

const quoted = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

async function tarCommand(maps: IdMaps | null): Promise<readonly string[]> {
  const tar = confinedTool('tar', 'tar');
  const [file, ...args] = tar;
  const { stdout } = await run(file, [...args, '--version'], { env: { LC_ALL: 'C' } });
  const version = new TextDecoder().decode(stdout);
  const isGnu = version.includes('GNU tar');
  // Who has no id but his own can give nothing away.
  const isAlone = maps !== null && isOne(maps.uid) && isOne(maps.gid);
  const owners = isAlone ? '--no-same-owner' : '--same-owner';
  if (isGnu) return [...tar, '-x', '-p', '-f', '-', '--numeric-owner', owners, ...GNU];
  // The tar of busybox gives files their owners where root asks for nothing else, and knows no option for it.
  const more = version.includes('bsdtar') ? [owners] : isAlone ? ['-o'] : [];
  return [...tar, '-x', '-p', '-f', '-', '--numeric-owner', ...more];
}

/** What overlayfs keeps for itself would mean something where the tree is the lower part of one. */
const GNU = ['--xattrs', '--xattrs-include=*', '--xattrs-exclude=*.overlay.*', '--recursive-unlink'];

const isOne = (ranges: readonly IdRange[]): boolean => ranges.length === 1 && ranges[0]?.count === 1;

function notUnpacked(what: string, complaints: string, exitCode: number | null): BinfmtctlError {
  const lines = complaints.trim().split('\n');
  const line = lines.find((each) => !/^tar: Removing leading|WARNING|warning: /.test(each)) ?? '';
  const why = line.trim() || `tar ended with status ${exitCode}`;
  if (/No space left|quota exceeded/i.test(why))
    return new BinfmtctlError('FILE_FAILED', `cannot unpack ${what}: the disk is full`, {
      hint: 'free some space, or choose a store on another disk with --store',
    });
  if (/change ownership|chown|lchown/i.test(why))
    return new BinfmtctlError('NO_PRIVILEGE', `cannot unpack ${what}: ${why}`, {
      hint: 'its files belong to more ids than this user has: give him more in /etc/subuid and /etc/subgid, or be root',
    });
  return corrupt(`${basename(what)} cannot be unpacked: ${why}`);
}
