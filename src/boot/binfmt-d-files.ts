/** Finds the files of `binfmt.d` as systemd's conf_files_list() and search_and_fopen() do. */
import { readdirSync } from 'node:fs';
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

/**
 * Reads every `.conf` file of the directories, sorted by name. Skips dangling links. `changes` maps the paths of files that are
 * about to change to their new texts, or to null if they are about to be removed.
 */
export function readAllFiles(changes: ReadonlyMap<string, string | null> = new Map()): readonly ConfigFile[] {
  const paths = new Map<string, string>();
  for (const directory of BINFMT_D) {
    for (const name of namesIn(directory)) {
      const path = join(directory, name);
      if (!paths.has(name) && changes.get(path) !== null) paths.set(name, path);
    }
  }
  const inOrder = [...paths.values()].toSorted((a, b) =>
    Buffer.compare(pathBytes(basename(a)), pathBytes(basename(b))),
  );
  return inOrder.flatMap((path): readonly ConfigFile[] => {
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

function namesIn(directory: string): readonly string[] {
  try {
    const names = readdirSync(directory, 'buffer').map((name) => decodeText(name));
    return names.filter((name) => name.endsWith('.conf') && !name.startsWith('.'));
  } catch {
    return [];
  }
}
