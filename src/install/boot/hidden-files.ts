/** binfmt.d files that a file of the same name in /etc hides, with all their rules. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { BINFMT_D, readFileAt } from '../../boot/binfmt-d-files.ts';
import { bootFilePath } from '../../boot/boot-file.ts';
import type { Context } from '../../context.ts';
import { binfmtDFileName, decodeBinfmtD } from '../../file-format/binfmt-d.ts';
import { decodeText } from '../../rule/text.ts';
import { isOwnBootText } from './boot-files.ts';

/** A hidden file that also has rules for other entries. */
export interface HiddenFile {
  readonly path: string;
  /** binfmtctl's file that hides or replaces it, or would do so. */
  readonly by: string;
  /** Names of the other entries; empty if the file cannot be read. */
  readonly others: readonly string[];
}

/**
 * The file that binfmtctl's file with the plain name of entry `name` hides or replaces, if it has or may have rules for other
 * entries; otherwise null. A file that only registers the same entry may be hidden, because binfmtctl's file does so instead.
 */
export function findHidden(name: string, context: Pick<Context, 'store'>): HiddenFile | null {
  const by = bootFilePath('binfmt.d', name);
  for (const directory of BINFMT_D) {
    const path = join(directory, binfmtDFileName({ name }));
    // A link, such as one to /dev/null, is an administrator's mask, which `install` refuses to replace.
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

/** The warning when binfmtctl removes its file that hid another one. */
export const unhiddenFileWarning = ({ path, others }: HiddenFile): string => {
  const names = others.length === 0 ? '' : ` (${others.join(', ')})`;
  return `${path} is no longer hidden: the next boot registers its other rules${names}`;
};

const isLink = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
