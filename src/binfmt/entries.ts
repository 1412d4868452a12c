import { BinfmtctlError } from '../errors.ts';
import { RESERVED_NAMES } from '../rule/check.ts';
import { parseAnyEntry } from '../rule/entry.ts';
import { type AnyEntry, type Entry, isBpf } from '../rule/types.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import { entryNames, readEntryFile } from './entry-file.ts';
import { commandError } from './errno.ts';
import { requireMounted } from './instance/instance.ts';

/**
 * The entries of an instance, newest first. The kernel tries them in this order, except those registered with flag D
 * (Linux 7.3): it ranks those by the time when they were first enabled, which it does not expose.
 */
export interface Entries {
  /** Without BPF handlers. */
  readonly entries: readonly Entry[];
  /** With BPF handlers. */
  readonly all: readonly AnyEntry[];
  /** Entries whose text could not be parsed, each with its BAD_ENTRY error. */
  readonly unreadable: readonly { readonly name: string; readonly error: BinfmtctlError }[];
}

/**
 * Reads all entries of the instance mounted at `directory`. Skips entries that are removed meanwhile. Synchronous, because
 * the files never block: 35 entries take 2 ms, a third of the time that Node's thread pool takes.
 *
 * @throws NO_BINFMT_MISC if no instance is mounted there.
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

/** Reads all entries, without BPF handlers and unreadable entries. */
export function listEntries(directory: string): readonly Entry[] {
  return readEntries(directory).entries;
}

/**
 * Reads the entry of that name, which may be a rule or a BPF handler.
 *
 * @throws ENTRY_NOT_FOUND; BAD_ENTRY if its text cannot be parsed; NO_BINFMT_MISC.
 */
export function readAnyEntry(directory: string, name: string): AnyEntry {
  requireMounted(directory);
  requireEntryName(name);
  const entry = tryReadEntry(directory, name);
  if (entry !== null) return entry;
  throw new BinfmtctlError('ENTRY_NOT_FOUND', `entry not found: ${JSON.stringify(name)}`, {
    hint: '`binfmtctl status` lists the entries',
  });
}

/** @throws ENTRY_NOT_FOUND for an invalid entry name, which would be the path of another file. */
export function requireEntryName(name: string): void {
  const isReserved = name === '' || name === '.' || name === '..' || RESERVED_NAMES.includes(name);
  if (!isReserved && !/[/\0]/.test(name)) return;
  throw new BinfmtctlError('ENTRY_NOT_FOUND', `invalid entry name: ${JSON.stringify(name)}`, {
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

/** Reads the entry of that name; null if it does not exist. The caller checks that an instance is mounted. */
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
