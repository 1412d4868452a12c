/** Files of binfmt.d that a file in /etc of the same name hides, with all of their rules. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { BINFMT_D, readFileAt } from '../../boot/binfmt-d-files.ts';
import { bootFilePath } from '../../boot/boot-file.ts';
import type { Context } from '../../context.ts';
import { binfmtDFileName, decodeBinfmtD } from '../../file-format/binfmt-d.ts';
import { decodeText } from '../../rule/text.ts';
import { isOwnBootText } from './boot-files.ts';

/** A file with rules for other entries as well. */
export interface HiddenFile {
  readonly path: string;
  /** The file of ours that hides or replaces it, or would. */
  readonly by: string;
  /** Names of the other entries; empty if the file cannot be read. */
  readonly others: readonly string[];
}

/**
 * The file that a file of ours with the plain name of the entry `name` hides or replaces, if it has rules for other entries, or might
 * have; else null. A file that only registers the same entry may be hidden: ours does that in its place.
 */
export function findHidden(name: string, context: Pick<Context, 'store'>): HiddenFile | null {
  const by = bootFilePath('binfmt.d', name);
  for (const folder of BINFMT_D) {
    const path = join(folder, binfmtDFileName({ name }));
    // What an administrator put there, such as a link to /dev/null, is a mask, and `install` refuses to replace it.
    if (path === by && isLink(path)) return null;
    const file = readFileAt(path);
    if (file === null) continue;
    if ('complaint' in file) return path === by ? null : { path, by, others: [] };
    if (path === by && isOwnBootText(path, name, decodeText(file.bytes), context)) continue;
    const { rules, cut } = decodeBinfmtD(file.bytes);
    const others = [...new Set(rules.map((rule) => rule.name))].filter((each) => each !== name);
    return cut || others.length > 0 ? { path, by, others } : null;
  }
  return null;
}

/** What is reported when a file of ours that hid it goes. */
export const unhiddenFileWarning = ({ path, others }: HiddenFile): string => {
  const names = others.length === 0 ? '' : ` (${others.join(', ')})`;
  return `${path} is no longer hidden: the next boot registers its other rules${names}`;
};

const isLink = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
