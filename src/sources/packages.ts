import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { AR_HEADER_SIZE, AR_MAGIC, parseArHeader } from '../archive/ar.ts';
import { unpack } from '../archive/unpack.ts';
import { unxz, unxzPackage } from '../archive/unxz.ts';
import { BinfmtctlError } from '../errors.ts';
import { MANIFEST } from '../file-format/bundle.ts';
import { type FileKind, fileKind, KIND_SIZE } from '../file-format/file-kind.ts';
import { corrupt } from '../system/file/integrity.ts';
import type { Archive } from './archives.ts';

/** A package has three members, and a few more if it is signed. */
const MAX_MEMBERS = 16;
const CHUNK = 64 * 1024;

/**
 * What a file is by its first bytes: a program, a bundle of ours, or a tar archive, which may be compressed and may be that of a Debian package.
 *
 * @param what for messages
 * @throws BAD_PACKAGE for anything else, and for a package that is cut off; opening the archive throws NO_TOOL too.
 */
export async function openArchive(
  file: string,
  what: string,
  signal: AbortSignal,
): Promise<'program' | 'bundle' | Archive> {
  await using handle = await open(file);
  const head = await readAt(handle, 0, KIND_SIZE);
  const kind = fileKind(head);
  if (kind === 'elf') return 'program';
  if (kind === 'tar' && firstName(head) === MANIFEST) return 'bundle';
  if (kind === 'ar') return await packageIn(handle, file, what, signal);
  if (kind === 'unknown') throw notKnown(what, ...explainHead(head));
  const read = () => createReadStream(file, { highWaterMark: CHUNK });
  return {
    what,
    open: async () => (kind === 'xz' ? unxz(read(), signal) : unpack(read(), COMPRESSIONS[kind])),
  };
}

/** The files of a Debian package. @throws BAD_PACKAGE for what is none; opening it throws NO_TOOL too. */
export async function openPackage(file: string, what: string, signal: AbortSignal): Promise<Archive> {
  await using handle = await open(file);
  if (fileKind(await readAt(handle, 0, KIND_SIZE)) !== 'ar') throw corrupt(`${what} is no Debian package`);
  return await packageIn(handle, file, what, signal);
}

async function packageIn(
  handle: FileHandle,
  file: string,
  what: string,
  signal: AbortSignal,
): Promise<Archive> {
  const { at: start, end } = await findData(handle, what);
  const packing = fileKind(await readAt(handle, start, KIND_SIZE));
  if (packing === 'unknown' || packing === 'elf' || packing === 'ar')
    throw notKnown(what, 'is packed in a way that is not known');
  const read = () => createReadStream(file, { start, end, highWaterMark: CHUNK });
  const unpacked = (): AsyncIterable<Uint8Array> =>
    packing === 'xz' ? unxzPackage(file, read, signal) : unpack(read(), COMPRESSIONS[packing]);
  return { what, isPackage: true, open: async () => unpacked() };
}

const COMPRESSIONS = { tar: 'none', gzip: 'gzip', zstd: 'zstd' } as const satisfies Partial<
  Record<FileKind, string>
>;

/** Where in a package its files are: in the member data.tar, which may be compressed in any way (deb(5)). */
async function findData(
  handle: FileHandle,
  what: string,
): Promise<{ readonly at: number; readonly end: number }> {
  const { size: total } = await handle.stat();
  let at = AR_MAGIC.length;
  for (let count = 0; count < MAX_MEMBERS && at < total; count++) {
    const member = parseArHeader(await readAt(handle, at, AR_HEADER_SIZE));
    at += AR_HEADER_SIZE;
    if (member === null || at + member.size > total)
      throw corrupt(`${what}: the package is damaged or cut off`);
    const { name, size } = member;
    if (count === 0 && name !== 'debian-binary') break;
    if (size > 0 && /^data\.tar(\.|$)/.test(name)) return { at, end: at + size - 1 };
    at += size + (size % 2);
  }
  throw corrupt(`${what} is no Debian package: it has no data.tar`);
}

/** The name in the first header of a tar archive, if it is short. */
const firstName = (head: Uint8Array): string =>
  new TextDecoder().decode(head.subarray(0, 100)).replace(/\0.*$/s, '');

async function readAt(handle: FileHandle, at: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

/** What is none of all that, and what to do about it. */
function explainHead(head: Uint8Array): readonly [why: string, hint?: string] {
  const text = String.fromCharCode(...head.subarray(0, 64));
  if (text.trimStart().startsWith('<')) return ['is a web page', 'is its address that of the file itself?'];
  return ['is no emulator, tar archive or Debian package'];
}

const notKnown = (what: string, why: string, hint = UNDERSTOOD): BinfmtctlError =>
  new BinfmtctlError('BAD_PACKAGE', `${what} ${why}`, { hint });

const UNDERSTOOD = 'an ELF program, .tar, .tar.gz, .tar.xz, .tar.zst and .deb are understood';
