/** The files that register an entry at boot: their paths, and their texts as `install` writes them. Pure. */
import { binfmtDFileName, decodeBinfmtD, encodeBinfmtD } from '../formats/binfmt-d.ts';
import {
  decodeAdminFile,
  descriptionOf,
  encodeAdminFile,
  ruleOfDescription,
} from '../formats/binfmt-support.ts';
import { parseRegister } from '../rule/register.ts';
import { decodeText, encodeText } from '../rule/text.ts';
import type { Rule } from '../rule/types.ts';
import { BOOT_DIRECTORIES } from './paths.ts';
import { BOOT_FORMATS, type BootFormat } from './persistence.ts';

export interface BootFile {
  readonly path: string;
  readonly text: string;
}

const [BINFMT_D, ADMIN] = BOOT_DIRECTORIES;

/** The path of the file that registers the entry `name` at boot. */
export function bootFilePath(how: BootFormat, name: string): string {
  return how === 'binfmt.d' ? `${BINFMT_D}/${binfmtDFileName({ name })}` : `${ADMIN}/${name}`;
}

/** The format of the file at `path` if that file registers the entry `name` at boot, or null. */
export function bootFormatOf(path: string, name: string): BootFormat | null {
  return BOOT_FORMATS.find((how) => bootFilePath(how, name) === path) ?? null;
}

/** The file that registers `rule` at boot; null for `none`. @throws BAD_RULE for a rule that the format cannot hold. */
export function persistenceFile(how: BootFormat | 'none', rule: Rule): BootFile | null {
  if (how === 'none') return null;
  const text = how === 'binfmt.d' ? encodeBinfmtD(rule) : decodeText(encodeAdminFile(descriptionOf(rule)));
  return { path: bootFilePath(how, rule.name), text };
}

/** What `install` writes to the boot file at `path` for `rule`; null if that file does not belong to the entry. */
export function persistedText(path: string, rule: Rule): string | null {
  const how = bootFormatOf(path, rule.name);
  return how === null ? null : (persistenceFile(how, rule)?.text ?? null);
}

/** The rule for the entry `name` in the text of the boot file at `path`; null if the file has none. */
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
  // systemd replaces an entry by a later one of the same name.
  const line = decodeBinfmtD(bytes).rules.findLast((each) => each.name === name);
  const parsed = line === undefined ? null : parseRegister(encodeText(line.text));
  return parsed !== null && 'rule' in parsed ? parsed.rule : null;
}
