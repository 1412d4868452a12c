/** The admin directory: a file for each installed format, of its name. */
import { BinfmtctlError } from '../../errors.ts';
import { type Description, decodeAdminFile } from '../../file-format/binfmt-support.ts';
import { decodeText } from '../../rule/text.ts';
import { failedToRead } from '../../system/file/file-error.ts';
import { isFile } from '../../system/file/is-file.ts';
import { pathBytes } from '../../system/file/path-bytes.ts';
import { readSmall } from '../../system/file/read-small.ts';
import { namesInDirectory } from './directories.ts';
import { reasonOf } from './session.ts';

/** Whose formats: a session, or run-detectors. */
export interface Owner {
  readonly adminDirectory: string;
}

export const adminFile = ({ adminDirectory }: Owner, name: string): string => `${adminDirectory}/${name}`;

/** Folders and dangling links do not count. */
export const isInstalled = (owner: Owner, name: string): boolean => isFile(adminFile(owner, name));

/** The installed formats by name, in the order of their bytes. @throws FILE_FAILED, BAD_ENTRY. */
export function readDatabase(owner: Owner): ReadonlyMap<string, Description> {
  return new Map(namesOf(owner).map((name) => [name, readDescription(owner, name)]));
}

/** As `readDatabase`, without the files that cannot be read. */
export function readUsable(owner: Owner): ReadonlyMap<string, Description> {
  const all = namesOf(owner).map((name) => [name, tryReadDescription(owner, name)] as const);
  return new Map(all.flatMap(([name, description]) => (description === null ? [] : [[name, description]])));
}

/** @throws FILE_FAILED, BAD_ENTRY for a file that ends too soon. */
export function readDescription(owner: Owner, name: string): Description {
  const path = adminFile(owner, name);
  const decoded = decodeAdminFile(read(path));
  if (!('missing' in decoded)) return decoded;
  throw new BinfmtctlError('BAD_ENTRY', `${path} corrupt: out of binfmt data reading ${decoded.missing}`);
}

/** Null where there is no such file, or none that is complete. */
export function tryReadDescription(owner: Owner, name: string): Description | null {
  try {
    return isInstalled(owner, name) ? readDescription(owner, name) : null;
  } catch (error) {
    if (error instanceof BinfmtctlError) return null;
    throw error;
  }
}

/** Names of all files and folders, in the order of the directory. @throws FILE_FAILED. */
export function namesInOrder({ adminDirectory }: Owner): readonly string[] {
  try {
    return namesInDirectory(adminDirectory);
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
    // What can be opened and not read is empty to stdio, a folder for one.
    if (failedToRead(error)) return new Uint8Array();
    throw new BinfmtctlError('FILE_FAILED', `unable to open ${path}: ${reasonOf(error)}`);
  }
}
