import { constants, createReadStream, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { modernTar } from '../archive/modern-tar.ts';
import { readTar } from '../archive/tar-reader.ts';
import { unpack } from '../archive/unpack.ts';
import { unpackBy, unxz } from '../archive/unxz.ts';
import { BinfmtctlError } from '../errors.ts';
import { fileKind, KIND_SIZE } from '../file-format/file-kind.ts';
import { fileError } from '../system/file/file-error.ts';
import { corrupt } from '../system/file/integrity.ts';
import { findTool, requireTool } from '../system/process/tools.ts';
import { compressedImage, zipArchive } from './compressed-image.ts';
import { DISK_IMAGE_SIZE } from './disk-image.ts';
import { beginsImage } from './entry.ts';

/** A tar archive with any supported compression. */
export interface TreeArchive {
  /** True for an OCI or `docker save` archive, false for an archive of the tree itself. */
  readonly isImage: boolean;
  /** True if an external program decompresses it. */
  readonly needsProgram: boolean;
  /** Streams the decompressed bytes from the start. `onRead` receives the number of bytes read from the file. */
  readonly read: (onRead?: (done: number) => void) => AsyncIterable<Uint8Array>;
}

const CHUNK = 256 * 1024;
/** Formats that need an external program: magic number, and the program, which is also its package's name. */
const BY_PROGRAM = [
  { magic: '425a68', tool: 'bzip2' },
  { magic: '4c5a4950', tool: 'lzip' },
  { magic: '04224d18', tool: 'lz4' },
];
type Unpacked = (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/**
 * Opens an archive. Detects the compression from the first bytes and the kind from the first entry.
 *
 * @throws BAD_SOURCE if it is not a tar archive; BAD_PACKAGE if it is corrupt; NO_TOOL if the decompression program is
 * missing; INTERRUPTED; FILE_FAILED, NO_PRIVILEGE if it cannot be read.
 */
export async function openTreeArchive(path: string, signal: AbortSignal): Promise<TreeArchive> {
  const head = await readHead(path);
  const unpacked = unpackerFor(head, signal);
  if (unpacked === null) throw zipArchive(path, head) ?? treeError(path);
  const read: TreeArchive['read'] = (onRead) => unpacked(readFile(path, onRead));
  await requireTar(path, head, read());
  const needsProgram = !['tar', 'gzip', 'zstd'].includes(fileKind(head));
  return { isImage: await isImage(path, read(), signal), needsProgram, read };
}

/** Throws BAD_SOURCE if the path is neither a directory nor a regular file; the caller has excluded directories. */
export function requireFile(path: string, facts: Stats): void {
  if (!facts.isFile()) throw treeError(path, 'is neither a directory nor a file');
}

export const treeError = (path: string, why = 'is not a tar archive'): BinfmtctlError =>
  new BinfmtctlError('BAD_SOURCE', `${path} ${why}`, {
    hint: 'use a directory, a tar archive (.tar, .tar.gz, .tar.xz, .tar.zst, .tar.bz2), an OCI layout or a `docker save` archive',
  });

async function readHead(path: string): Promise<Uint8Array> {
  try {
    // O_NONBLOCK: the file could be replaced by a pipe meanwhile.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { buffer, bytesRead } = await file.read(new Uint8Array(KIND_SIZE), 0, KIND_SIZE, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw fileError(error, `read ${path}`);
  }
}

async function* readFile(path: string, onRead?: (done: number) => void): AsyncGenerator<Uint8Array> {
  let done = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
      done += chunk.length;
      onRead?.(done);
      yield chunk;
    }
  } catch (error) {
    throw fileError(error, `read ${path}`);
  }
}

function unpackerFor(head: Uint8Array, signal: AbortSignal): Unpacked | null {
  const kind = fileKind(head);
  if (kind === 'tar') return (bytes) => bytes;
  // zstd(1) is four times as fast as our decoder and supports larger windows.
  const zstd = kind === 'zstd' ? findTool('zstd') : null;
  if (zstd !== null) return (bytes) => unpackBy(zstd, ['-d', '-c', '-q'], bytes, signal);
  if (kind === 'gzip' || kind === 'zstd') return (bytes) => unpack(bytes, kind);
  if (kind === 'xz') return (bytes) => unxz(bytes, signal);
  const hex = Buffer.from(head.subarray(0, 4)).toString('hex');
  const found = BY_PROGRAM.find(({ magic }) => hex.startsWith(magic));
  if (found === undefined) return null;
  const tool = requireTool(found.tool, found.tool);
  return (bytes) => unpackBy(tool, ['-d', '-c'], bytes, signal);
}

async function requireTar(path: string, packed: Uint8Array, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  let head: Uint8Array = new Uint8Array();
  for await (const chunk of bytes) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= KIND_SIZE && fileKind(head.subarray(0, KIND_SIZE)) === 'tar') return;
    if (head.length >= DISK_IMAGE_SIZE) break;
  }
  throw (await compressedImage(path, packed, head)) ?? treeError(path);
}

async function isImage(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<boolean> {
  const options = { what: path, maxBytes: Number.MAX_SAFE_INTEGER, signal };
  for await (const { header } of readTar(modernTar(bytes), options)) {
    const answer = beginsImage(header);
    if (answer !== null) return answer;
  }
  throw corrupt(`${path} is an empty archive`);
}
