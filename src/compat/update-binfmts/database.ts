/** The admin directory: one file per installed format, named after it. */
import { BinfmtctlError } from '../../errors.ts';
import { type Description, decodeAdminFile } from '../../file-format/binfmt-support.ts';
import { decodeText } from '../../rule/text.ts';
import { failedToRead } from '../../system/file/file-error.ts';
import { isFile } from '../../system/file/is-file.ts';
import { listNames } from '../../system/file/list.ts';
import { pathBytes } from '../../system/file/path-bytes.ts';
import { readSmall } from '../../system/file/read-small.ts';
import { reasonOf } from './session.ts';

/** The owner of an admin directory: a session, or run-detectors. */
export interface Owner {
  readonly adminDirectory: string;
}

export const adminFile = ({ adminDirectory }: Owner, name: string): string => `${adminDirectory}/${name}`;

/** Whether a format is installed. Directories and dangling links do not count. */
export const isInstalled = (owner: Owner, name: string): boolean => isFile(adminFile(owner, name));

/** The installed formats by name, in byte order. @throws FILE_FAILED, BAD_ENTRY. */
export function readDatabase(owner: Owner): ReadonlyMap<string, Description> {
  return new Map(namesOf(owner).map((name) => [name, readDescription(owner, name)]));
}

/** As `readDatabase`, but skips files that cannot be read. */
export function readUsable(owner: Owner): ReadonlyMap<string, Description> {
  const all = namesOf(owner).map((name) => [name, tryReadDescription(owner, name)] as const);
  return new Map(all.flatMap(([name, description]) => (description === null ? [] : [[name, description]])));
}

/** @throws FILE_FAILED, BAD_ENTRY for an incomplete file. */
export function readDescription(owner: Owner, name: string): Description {
  const path = adminFile(owner, name);
  const decoded = decodeAdminFile(read(path));
  if (!('missing' in decoded)) return decoded;
  throw new BinfmtctlError('BAD_ENTRY', `${path} corrupt: out of binfmt data reading ${decoded.missing}`);
}

/** The description of a format; null if its file is missing or incomplete. */
export function tryReadDescription(owner: Owner, name: string): Description | null {
  try {
    return isInstalled(owner, name) ? readDescription(owner, name) : null;
  } catch (error) {
    if (error instanceof BinfmtctlError) return null;
    throw error;
  }
}

/** The names of all files and directories, in directory order. @throws FILE_FAILED. */
export function namesInOrder({ adminDirectory }: Owner): readonly string[] {
  try {
    return listNames(adminDirectory);
  } catch (error) {
    throw new BinfmtctlError('FILE_FAILED', `unable to open ${adminDirectory}: ${reasonOf(error)}`);
  }
}

const namesOf = (owner: Owner): readonly string[] =>
  namesInOrder(owner)
    .filter((name) => isInstalled(owner, name))
    .map(pathBytes)
    .toSorted(Buffer.compare)
    .map(decodeText);

function read(path: string): Uint8Array {
  try {
    return readSmall(path);
  } catch (error) {
    // stdio reads a directory as an empty file.
    if (failedToRead(error)) return new Uint8Array();
    throw new BinfmtctlError('FILE_FAILED', `unable to open ${path}: ${reasonOf(error)}`);
  }
}
