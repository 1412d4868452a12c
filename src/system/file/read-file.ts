/** Reads whole files: only regular files of bounded size, so that a read never blocks. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { decodeText } from '../../rule/text.ts';
import { findWeakness, isMachineRoot } from '../trust.ts';
import { errnoOf, fileError } from './file-error.ts';
import { notRegular } from './file-kind.ts';

export interface ReadOptions {
  /** Default: 4 MiB. */
  readonly maxBytes?: number | undefined;
  /** Whether to follow a symbolic link at the end of the path. Default: false. */
  readonly followLink?: boolean | undefined;
}

const MAX_BYTES = 1 << 22;
const decoder = new TextDecoder();

/** The bytes of a file; null if it does not exist. @throws FILE_FAILED, also for a link, pipe or device; NO_PRIVILEGE. */
export function readIfExists(path: string, options: ReadOptions = {}): Uint8Array | null {
  return reading(path, options)?.bytes ?? null;
}

/** As `readIfExists`, for UTF-8 text. */
export function readTextIfExists(path: string, options: ReadOptions = {}): string | null {
  const bytes = readIfExists(path, options);
  return bytes === null ? null : decoder.decode(bytes);
}

/**
 * The text of a file that only binfmtctl writes; null if it does not exist.
 *
 * @throws FILE_FAILED as `readIfExists`, and if another user may have written the file.
 */
export function readOwnTextIfExists(path: string, options: ReadOptions = {}): string | null {
  const read = reading(path, { ...options, followLink: false });
  if (read === null) return null;
  assertOwn(path, read.facts);
  return decoder.decode(read.bytes);
}

/**
 * As `readOwnTextIfExists`, for all files of a directory whose names `accepts` accepts, sorted by name. A missing directory counts
 * as empty. Checks the directory and its parents only once.
 */
export function readOwnTexts(
  directory: string,
  accepts: (name: string) => boolean,
): ReadonlyMap<string, string> {
  const names = namesIn(directory).filter(accepts).toSorted();
  const texts = new Map<string, string>();
  if (names.length > 0) assertOwnDirectory(directory, join(directory, names[0] ?? ''));
  for (const name of names) {
    const path = join(directory, name);
    const read = reading(path, { followLink: false });
    // Another program removed it in the meantime.
    if (read === null) continue;
    assertOwnFile(path, read.facts);
    texts.set(name, decoder.decode(read.bytes));
  }
  return texts;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory, 'buffer').map((name) => decodeText(name));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [];
    throw fileError(error, `list ${directory}`);
  }
}

/** Checks that the file belongs to the caller or root. For root, also checks that no other user can change it or its parent directories. */
function assertOwn(path: string, facts: Stats): void {
  assertOwnFile(path, facts);
  assertOwnDirectory(dirname(path), path);
}

function assertOwnFile(path: string, { uid, mode }: Stats): void {
  const owners = [0, process.geteuid?.()];
  if (!owners.includes(uid)) throw foreign(path, `it belongs to user ${uid}`);
  if ((mode & 0o022) !== 0 && isMachineRoot()) throw foreign(path, 'it can be written by others');
}

function assertOwnDirectory(directory: string, path: string): void {
  if (!isMachineRoot()) return;
  const weakness = findWeakness(directory, { asParent: true });
  if (weakness !== null) throw foreign(path, `${weakness.path} ${weakness.why}`);
}

const foreign = (path: string, why: string): BinfmtctlError =>
  new BinfmtctlError('FILE_FAILED', `unsafe file ${path}: ${why}`);

function reading(
  path: string,
  { maxBytes = MAX_BYTES, followLink = false }: ReadOptions,
): { readonly bytes: Uint8Array; readonly facts: Stats } | null {
  const what = `read ${path}`;
  const noFollow = followLink ? 0 : constants.O_NOFOLLOW;
  let file: number | null = null;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | noFollow);
    const facts = fstatSync(file);
    if (!facts.isFile()) throw notRegular(what, facts);
    const bytes = Buffer.alloc(Math.min(facts.size, maxBytes) + 1);
    let size = 0;
    for (let read = -1; read !== 0 && size < bytes.length; size += read)
      read = readSync(file, bytes, size, bytes.length - size, null);
    if (size > maxBytes) throw tooLarge(what, maxBytes);
    return { bytes: bytes.subarray(0, size), facts };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null;
    if (errno === 'ELOOP' && !followLink) throw isLink(what);
    throw fileError(error, what);
  } finally {
    if (file !== null) closeSync(file);
  }
}

const tooLarge = (what: string, maxBytes: number): BinfmtctlError =>
  new BinfmtctlError('FILE_FAILED', `cannot ${what}: it is larger than ${maxBytes} bytes`);

const isLink = (what: string): BinfmtctlError =>
  new BinfmtctlError('FILE_FAILED', `cannot ${what}: it is a symbolic link`);
