/** Finds the files of `binfmt.d` as systemd's conf_files_list() and search_and_fopen() do. */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isBinfmtctlError } from '../errors.ts';
import { decodeText, encodeText } from '../rule/text.ts';
import { errnoOf } from '../system/file/file-error.ts';
import { pathBytes } from '../system/file/path-bytes.ts';
import { readSmall } from '../system/file/read-small.ts';
import { strerror } from '../system/strerror.ts';

/** By priority: a file hides files of the same name in later directories. */
export const BINFMT_D = ['/etc/binfmt.d', '/run/binfmt.d', '/usr/local/lib/binfmt.d', '/usr/lib/binfmt.d'];

/** A file, with the name for messages: its bytes, or an error message. */
export type ConfigFile =
  | { readonly name: string; readonly bytes: Uint8Array }
  | { readonly name: string; readonly complaint: string };

/** Files in the order in which they count. */
export interface ConfigPaths {
  readonly paths: readonly string[];
  /** What systemd says of directories and links that lead nowhere, which then hide nothing. */
  readonly warnings: readonly string[];
}

/** Contents that files are about to get, by path; null for files that are about to be removed. */
type Changes = ReadonlyMap<string, string | null>;

/**
 * Finds every `.conf` file of the directories, sorted by name; the first directory that has a name wins. Passes over links that
 * cannot be followed. A dangling link hides the files of its name.
 */
export function findConfigPaths(changes: Changes = new Map()): ConfigPaths {
  const paths = new Map<string, string>();
  const warnings: string[] = [];
  for (const directory of BINFMT_D) {
    for (const name of namesIn(directory, warnings)) {
      const path = join(directory, name);
      if (paths.has(name) || changes.get(path) === null) continue;
      const problem = changes.has(path) ? null : linkProblem(path);
      if (problem === null) paths.set(name, path);
      else warnings.push(`Failed to chase '${path}': ${problem}`);
    }
  }
  const inOrder = [...paths.values()].toSorted((a, b) =>
    Buffer.compare(pathBytes(basename(a)), pathBytes(basename(b))),
  );
  return { paths: inOrder, warnings };
}

/** The files that `findConfigPaths` finds. Dangling links are left out. */
export function readAllFiles(changes: Changes = new Map()): readonly ConfigFile[] {
  return findConfigPaths(changes).paths.flatMap((path): readonly ConfigFile[] => {
    const text = changes.get(path);
    if (typeof text === 'string') return [{ name: path, bytes: encodeText(text) }];
    const file = readFileAt(path, path);
    return file === null ? [] : [file];
  });
}

/** Reads the file at an absolute path, or the first file of that name in the directories. */
export function readNamedFile(name: string): ConfigFile {
  const paths = name.startsWith('/') ? [name] : BINFMT_D.map((directory) => join(directory, name));
  for (const path of paths) {
    const file = readFileAt(path, name);
    if (file !== null) return file;
  }
  return { name, complaint: `Failed to open file '${name}': ${strerror('ENOENT')}` };
}

/** Reads a file of rules; null if it does not exist. `name` is for messages. */
export function readFileAt(path: string, name: string = path): ConfigFile | null {
  try {
    return { name, bytes: readSmall(path) };
  } catch (error) {
    if (isBinfmtctlError(error))
      return { name, complaint: `Failed to open file '${name}': ${error.message}` };
    const errno = errnoOf(error) ?? 'EIO';
    if (errno === 'ENOENT') return null;
    // A directory can be opened but not read. systemd then prints the full path.
    const what = errno === 'EISDIR' ? `read file '${path}'` : `open file '${name}'`;
    return { name, complaint: `Failed to ${what}: ${strerror(errno)}` };
  }
}

function namesIn(directory: string, warnings: string[]): readonly string[] {
  try {
    const names = readdirSync(directory, 'buffer').map((name) => decodeText(name));
    return names.filter((name) => name.endsWith('.conf') && !name.startsWith('.')).toSorted();
  } catch (error) {
    const errno = errnoOf(error) ?? 'EIO';
    if (errno !== 'ENOENT')
      warnings.push(`Failed to chase and open directory '${directory}', ignoring: ${strerror(errno)}`);
    return [];
  }
}

/** Why a link cannot be followed (systemd's src/basic/chase.c chaseat()); null if it can, also if it is dangling. */
function linkProblem(path: string): string | null {
  try {
    statSync(pathBytes(path));
    return null;
  } catch (error) {
    const errno = errnoOf(error) ?? 'EIO';
    if (errno === 'ENOENT') return null;
    return strerror(errno === 'ENAMETOOLONG' ? 'EINVAL' : errno);
  }
}
