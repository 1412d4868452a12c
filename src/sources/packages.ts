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

/** A package has three members, a signed one a few more. */
const MAX_MEMBERS = 16;
const CHUNK = 64 * 1024;

/**
 * Detects the format of a file from its first bytes: a program, a binfmtctl bundle, or an archive (a tar archive,
 * compressed or not, or a Debian package).
 *
 * @param what name of the file in messages
 * @throws BAD_PACKAGE for other formats and truncated packages; opening the archive can throw NO_TOOL.
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
  if (kind === 'unknown') throw unsupported(what, ...explainHead(head));
  const read = () => createReadStream(file, { highWaterMark: CHUNK });
  return {
    what,
    open: async () => (kind === 'xz' ? unxz(read(), signal) : unpack(read(), COMPRESSIONS[kind])),
  };
}

/** Opens the files of a Debian package. @throws BAD_PACKAGE if it is invalid; opening the archive can throw NO_TOOL. */
export async function openPackage(file: string, what: string, signal: AbortSignal): Promise<Archive> {
  await using handle = await open(file);
  if (fileKind(await readAt(handle, 0, KIND_SIZE)) !== 'ar') throw corrupt(`${what} is not a Debian package`);
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
    throw unsupported(what, 'uses an unsupported compression');
  const read = () => createReadStream(file, { start, end, highWaterMark: CHUNK });
  const unpacked = (): AsyncIterable<Uint8Array> =>
    packing === 'xz' ? unxzPackage(file, read, signal) : unpack(read(), COMPRESSIONS[packing]);
  return { what, isPackage: true, open: async () => unpacked() };
}

const COMPRESSIONS = { tar: 'none', gzip: 'gzip', zstd: 'zstd' } as const satisfies Partial<
  Record<FileKind, string>
>;

/** Finds the member data.tar, compressed or not, which contains the package's files (deb(5)). */
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
      throw corrupt(`${what}: the package is corrupt or truncated`);
    const { name, size } = member;
    if (count === 0 && name !== 'debian-binary') break;
    if (size > 0 && /^data\.tar(\.|$)/.test(name)) return { at, end: at + size - 1 };
    at += size + (size % 2);
  }
  throw corrupt(`${what} is not a Debian package: data.tar not found`);
}

/** The name in the first header of a tar archive, if it is short. */
const firstName = (head: Uint8Array): string =>
  new TextDecoder().decode(head.subarray(0, 100)).replace(/\0.*$/s, '');

async function readAt(handle: FileHandle, at: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

/** Explains a file of unknown format. */
function explainHead(head: Uint8Array): readonly [why: string, hint?: string] {
  const text = String.fromCharCode(...head.subarray(0, 64));
  if (text.trimStart().startsWith('<')) return ['is a web page', 'use the address of the file itself'];
  return ['is not an emulator, tar archive or Debian package'];
}

const unsupported = (what: string, why: string, hint = SUPPORTED): BinfmtctlError =>
  new BinfmtctlError('BAD_PACKAGE', `${what} ${why}`, { hint });

const SUPPORTED = 'use an ELF program, .tar, .tar.gz, .tar.xz, .tar.zst or .deb file';
