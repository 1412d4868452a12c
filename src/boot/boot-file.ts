/** Paths and texts of the files that register an entry at boot. Pure. */
import {
  binfmtDFileName,
  decodeBinfmtD,
  encodeBinfmtD,
  fileNameAfter,
  isFileNameOf,
} from '../file-format/binfmt-d.ts';
import {
  decodeAdminFile,
  descriptionOf,
  encodeAdminFile,
  ruleOfDescription,
} from '../file-format/binfmt-support.ts';
import { parseRegister } from '../rule/register.ts';
import { decodeText, encodeText } from '../rule/text.ts';
import type { Rule } from '../rule/types.ts';
import { BOOT_DIRECTORIES, isIn } from './paths.ts';
import { BOOT_FORMATS, type BootFormat } from './persistence.ts';

const [BINFMT_D, ADMIN] = BOOT_DIRECTORIES;

/**
 * Returns the path of the file that registers the entry `name` at boot. In binfmt.d, its name sorts after the files `others`:
 * the kernel tries the entry that was registered last first.
 */
export function bootFilePath(how: BootFormat, name: string, others: readonly string[] = []): string {
  if (how === 'binfmt-support') return `${ADMIN}/${name}`;
  return `${BINFMT_D}/${fileNameAfter({ name }, others) ?? binfmtDFileName({ name })}`;
}

/** Returns the format of the file at `path` if it registers the entry `name` at boot, else null. */
export function bootFormatOf(path: string, name: string): BootFormat | null {
  if (isIn(BINFMT_D, path) && isFileNameOf({ name }, path.slice(BINFMT_D.length + 1))) return 'binfmt.d';
  return BOOT_FORMATS.find((how) => bootFilePath(how, name) === path) ?? null;
}

/**
 * Returns the text that `install` writes to the boot file at `path` for `rule`; null if the file does not belong to the entry.
 *
 * @throws BAD_RULE if the format cannot express the rule.
 */
export function persistedText(path: string, rule: Rule): string | null {
  const how = bootFormatOf(path, rule.name);
  if (how === null) return null;
  return how === 'binfmt.d' ? encodeBinfmtD(rule) : decodeText(encodeAdminFile(descriptionOf(rule)));
}

/** Returns the rule for the entry `name` in the text of the boot file at `path`; null if the file has none. */
export function ruleInBootFile(path: string, name: string, text: string): Rule | null {
  const how = bootFormatOf(path, name);
  if (how === null) return null;
  const bytes = encodeText(text);
  if (how === 'binfmt-support') {
    const description = decodeAdminFile(bytes);
    if ('missing' in description) return null;
    const rule = ruleOfDescription(name, description);
    return 'errno' in rule ? null : rule;
  }
  // systemd replaces an entry by a later rule of the same name.
  const line = decodeBinfmtD(bytes).rules.findLast((each) => each.name === name);
  const parsed = line === undefined ? null : parseRegister(encodeText(line.text));
  return parsed !== null && 'rule' in parsed ? parsed.rule : null;
}
