import { join } from 'node:path';
import { readEntries } from '../binfmt/entries.ts';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { isGlob, matchesGlob } from '../rule/glob.ts';
import { encodeText } from '../rule/text.ts';
import type { AnyEntry } from '../rule/types.ts';
import { ensureDirectory } from '../system/file/files.ts';
import { outputKind, writeOutput } from '../system/file/output-file.ts';
import { readIfExists } from '../system/file/read-file.ts';
import type { Form } from './recognise.ts';
import { type Omission, type Written, writeEntries } from './write-entries.ts';

export interface ExportRequest {
  /** Names or globs of entries; empty with `all`. */
  readonly names: readonly string[];
  readonly all: boolean;
  readonly form: Form;
  /** A file; for forms with one file per entry, a directory, which is created; null to write nothing. */
  readonly output: string | null;
}

/** Result of `exportRules`. */
export interface ExportResult {
  readonly schema: 'binfmtctl/export/1';
  readonly form: Form;
  /** `path` is the written path. Without `output` it is the file name, or null for a single file. */
  readonly files: readonly { readonly path: string | null; readonly text: string }[];
  /** Properties of exported entries that the form cannot express. */
  readonly lost: readonly Omission[];
  readonly leftOut: readonly Omission[];
}

/**
 * Writes entries of the kernel in one of the forms. Never changes an existing file.
 *
 * @throws ENTRY_NOT_FOUND for a name or glob without an entry; FILE_FAILED, before any write, if a file exists with other
 * contents; NO_PRIVILEGE, READ_ONLY, NO_BINFMT_MISC.
 */
export async function exportRules(
  { names, all, form, output }: ExportRequest,
  { binfmtDirectory, signal }: Context,
): Promise<ExportResult> {
  const { all: entries, unreadable } = readEntries(binfmtDirectory);
  const unread = unreadable.map(({ name, error }) => ({ entry: name, why: error.message }));
  const written = writeEntries(all ? entries : chosen(names, entries), form);
  return {
    schema: 'binfmtctl/export/1',
    form,
    files: await write(written, output, signal),
    lost: written.lost,
    leftOut: [...written.leftOut, ...(all ? unread : [])],
  };
}

/** The entries that match the words, in the kernel's order. */
function chosen(words: readonly string[], entries: readonly AnyEntry[]): readonly AnyEntry[] {
  const matchers = words.map((word) => {
    const matches = ({ name }: AnyEntry): boolean =>
      name === word || (isGlob(word) && matchesGlob(word, name));
    if (entries.some(matches)) return matches;
    throw new BinfmtctlError('ENTRY_NOT_FOUND', `entry ${JSON.stringify(word)} not found`, {
      hint: '`binfmtctl status` lists the entries',
    });
  });
  return entries.filter((entry) => matchers.some((matches) => matches(entry)));
}

async function write(
  { files }: Written,
  output: string | null,
  signal: AbortSignal,
): Promise<ExportResult['files']> {
  const placed = files.map(({ name, text }) => ({ path: placeOf(name, output), text }));
  if (output === null) return placed;
  const missing = await Promise.all(
    placed.map(async ({ path, text }) => (path === null ? [] : await toWrite(path, encodeText(text)))),
  );
  if (files.some(({ name }) => name !== null)) await ensureDirectory(output);
  for (const { path, bytes } of missing.flat()) await writeOutput(path, bytes, { signal });
  return placed;
}

function placeOf(name: string | null, output: string | null): string | null {
  if (output === null) return name;
  return name === null ? output : join(output, name);
}

interface FileToWrite {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The file to write; nothing if it exists with the same bytes. */
async function toWrite(path: string, bytes: Uint8Array): Promise<readonly FileToWrite[]> {
  const existing = outputKind(path) === 'stream' ? null : readIfExists(path);
  if (existing === null) return [{ path, bytes }];
  if (Buffer.compare(existing, bytes) === 0) return [];
  throw new BinfmtctlError('FILE_FAILED', `cannot write ${path}: a file with other contents exists`, {
    hint: 'choose another path with --output',
  });
}
