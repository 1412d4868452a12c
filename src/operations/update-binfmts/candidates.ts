/** The formats that run-detectors chooses among. */
import { existsSync } from 'node:fs';
import { BinfmtctlError } from '../../errors.ts';
import type { Description } from '../../formats/binfmt-support.ts';
import { entryNames, readEntryFile } from '../../kernel/entry-file.ts';
import { HEAD_SIZE } from '../../rule/check.ts';
import { parseEntry } from '../../rule/entry.ts';
import { matches } from '../../rule/match.ts';
import type { Entry } from '../../rule/types.ts';
import { failedToRead } from '../../system/file-error.ts';
import { readHead } from '../../system/head.ts';
import { matchesCompat, sizeCompat } from './compat.ts';
import { adminFile, namesInOrder, type Owner, readDescription } from './database.ts';
import { pathBytes, reasonOf } from './session.ts';

export interface Places extends Owner {
  readonly binfmtDirectory: string;
}

/** How a file's formats are found: as the kernel does, or as update-binfmts 2.2.2. */
export type Matcher = 'kernel' | 'compat';

/**
 * Installed formats that the kernel has an entry of and that `target` is of.
 *
 * As the kernel: enabled entries, newest first, by what they say. As update-binfmts: by what the admin files say, in the
 * order of their directory, with any entry of that name.
 *
 * @throws FILE_FAILED, BAD_ENTRY.
 */
export function candidatesFor(places: Places, target: string, matcher: Matcher): readonly Description[] {
  return matcher === 'kernel' ? asTheKernel(places, target) : asUpdateBinfmts(places, target);
}

function asTheKernel(places: Places, target: string): readonly Description[] {
  const head = headOf(target, HEAD_SIZE);
  const installed = entryNames(places.binfmtDirectory).filter((name) => exists(adminFile(places, name)));
  return installed.flatMap((name) => {
    const entry = tryReadEntry(places.binfmtDirectory, name);
    const takes = entry?.enabled === true && matches(entry.pattern, head, target);
    return takes ? readDescription(places, name) : [];
  });
}

function asUpdateBinfmts(places: Places, target: string): readonly Description[] {
  const names = namesInOrder(places).filter((name) => exists(`${places.binfmtDirectory}/${name}`));
  const descriptions = names.map((name) => readDescription(places, name));
  const head = headOf(target, Math.max(0, ...descriptions.map(sizeCompat)));
  return descriptions.filter((each) => matchesCompat(each, target, head));
}

const exists = (path: string): boolean => existsSync(pathBytes(path));

function tryReadEntry(directory: string, name: string): Entry | null {
  try {
    return parseEntry(name, readEntryFile(directory, name));
  } catch {
    return null;
  }
}

/** The first bytes of a file; none where it can only be opened, as a folder. @throws FILE_FAILED. */
export function headOf(path: string, size: number): Uint8Array {
  try {
    return readHead(path, size);
  } catch (error) {
    // What can be opened and not read is empty to stdio, a folder for one.
    if (failedToRead(error)) return new Uint8Array();
    throw new BinfmtctlError('FILE_FAILED', `unable to open ${path}: ${reasonOf(error)}`);
  }
}
