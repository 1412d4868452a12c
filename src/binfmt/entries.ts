import { BinfmtctlError } from '../errors.ts';
import { RESERVED_NAMES } from '../rule/check.ts';
import { parseAnyEntry } from '../rule/entry.ts';
import { type AnyEntry, type Entry, isBpf } from '../rule/types.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import { entryNames, readEntryFile } from './entry-file.ts';
import { commandError } from './errno.ts';
import { requireMounted } from './instance/instance.ts';

/**
 * What an instance holds, newest first: the order in which the kernel tries them, but for one that was registered with
 * flag D (Linux 7.3). That one is tried as if registered when it was first enabled, which cannot be read anywhere.
 */
export interface Entries {
  /** All but those of BPF handlers. */
  readonly entries: readonly Entry[];
  /** Those of BPF handlers too. */
  readonly all: readonly AnyEntry[];
  /** Files whose text is not one that this program knows, with BAD_ENTRY. */
  readonly unreadable: readonly { readonly name: string; readonly error: BinfmtctlError }[];
}

/**
 * All entries of the instance mounted at `directory`, less those that vanish meanwhile. Synchronous, because the
 * files are the kernel's memory: 35 entries take 2 ms, a third of what they take one by one in Node's thread pool.
 *
 * @throws NO_BINFMT_MISC where none is mounted there.
 */
export function readEntries(directory: string): Entries {
  requireMounted(directory);
  const all: AnyEntry[] = [];
  const unreadable: { name: string; error: BinfmtctlError }[] = [];
  for (const name of namesIn(directory)) {
    try {
      const entry = tryReadEntry(directory, name);
      if (entry !== null) all.push(entry);
    } catch (error) {
      if (!(error instanceof BinfmtctlError) || error.code !== 'BAD_ENTRY') throw error;
      unreadable.push({ name, error });
    }
  }
  return { entries: all.filter((entry): entry is Entry => !isBpf(entry)), all, unreadable };
}

/** As `readEntries`, without BPF handlers and what cannot be read. */
export function listEntries(directory: string): readonly Entry[] {
  return readEntries(directory).entries;
}

/**
 * The entry of that name, of a rule or of a BPF handler.
 *
 * @throws ENTRY_NOT_FOUND; BAD_ENTRY for a text that cannot be read; NO_BINFMT_MISC.
 */
export function readAnyEntry(directory: string, name: string): AnyEntry {
  requireMounted(directory);
  requireEntryName(name);
  const entry = tryReadEntry(directory, name);
  if (entry !== null) return entry;
  throw new BinfmtctlError('ENTRY_NOT_FOUND', `there is no entry ${JSON.stringify(name)}`, {
    hint: '`binfmtctl status` lists the entries',
  });
}

/** ENTRY_NOT_FOUND for a name that no entry can have, and that would lead to another file. */
export function requireEntryName(name: string): void {
  const isOther = name === '' || name === '.' || name === '..' || RESERVED_NAMES.includes(name);
  if (!isOther && !/[/\0]/.test(name)) return;
  throw new BinfmtctlError('ENTRY_NOT_FOUND', `no entry can be called ${JSON.stringify(name)}`, {
    hint: '`binfmtctl status` lists the entries',
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return entryNames(directory);
  } catch (error) {
    throw fileError(error, `list ${directory}`);
  }
}

/** The entry of that name; null if there is none. The caller has looked whether an instance is mounted there. */
export function tryReadEntry(directory: string, name: string): AnyEntry | null {
  let text: Uint8Array;
  try {
    text = readEntryFile(directory, name);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return null;
    throw errno === null ? error : commandError(errno, 'read', name, error);
  }
  return parseAnyEntry(name, text);
}
