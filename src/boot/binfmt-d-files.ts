/** The files of `binfmt.d`, found as systemd's conf_files_list() and search_and_fopen() find them. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isBinfmtctlError } from '../errors.ts';
import { decodeText, encodeText } from '../rule/text.ts';
import { errnoOf } from '../system/file/file-error.ts';
import { pathBytes } from '../system/file/path-bytes.ts';
import { readSmall } from '../system/file/read-small.ts';
import { strerror } from '../system/strerror.ts';

/** Where they are, the first one first: a name there hides the same name in those after it. */
export const BINFMT_D = ['/etc/binfmt.d', '/run/binfmt.d', '/usr/local/lib/binfmt.d', '/usr/lib/binfmt.d'];

/** A file under the name that messages use: its bytes, or what is said of it in their place. */
export type ConfigFile =
  | { readonly name: string; readonly bytes: Uint8Array }
  | { readonly name: string; readonly complaint: string };

/**
 * Every `.conf` of the folders, sorted by name; the first folder that has a name wins. A dangling link is passed over.
 * `changes` are texts that files are about to get, by path, or null for files that are about to be removed.
 */
export function readAllFiles(changes: ReadonlyMap<string, string | null> = new Map()): readonly ConfigFile[] {
  const paths = new Map<string, string>();
  for (const folder of BINFMT_D) {
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
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

/** A file as it is named: an absolute path is that file, any other name is looked for in the folders alone. */
export function readNamedFile(name: string): ConfigFile {
  const paths = name.startsWith('/') ? [name] : BINFMT_D.map((folder) => join(folder, name));
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
    // A folder can be opened, but not read; systemd then says which one it has found.
    const what = errno === 'EISDIR' ? `read file '${path}'` : `open file '${name}'`;
    return { name, complaint: `Failed to ${what}: ${strerror(errno)}` };
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder, 'buffer').map((name) => decodeText(name));
    return names.filter((name) => name.endsWith('.conf') && !name.startsWith('.'));
  } catch {
    return [];
  }
}
