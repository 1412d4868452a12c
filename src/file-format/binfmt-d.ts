/** Parses and writes `binfmt.d` files like binfmt.d(5) and systemd's apply_file() (src/binfmt/binfmt.c). */
import { BinfmtctlError } from '../errors.ts';
import { formatRegister } from '../rule/register.ts';
import { decodeText, encodeText } from '../rule/text.ts';
import type { Rule } from '../rule/types.ts';

/** A line with a rule. */
export interface RuleLine {
  /** Counted from 1, including comments and empty lines. */
  readonly line: number;
  /** The text between the first character and its next occurrence, or the end of the line. */
  readonly name: string;
  /** The register string, without white space at its ends. */
  readonly text: string;
}

export interface BinfmtDFile {
  readonly rules: readonly RuleLine[];
  /** Rules in comments of `markDisabled`, which systemd ignores. */
  readonly disabled: readonly RuleLine[];
  /** Whether a line is too long (LONG_LINE_MAX, 1 MiB), so that the rest of the file was not read. */
  readonly cut: boolean;
}

const MAX_LINE = 1 << 20;
const DISABLED = '#disabled ';
const LINE_ENDS = new Set([0x0a, 0x0d, 0x00]);

/** Splits a file into rules and comments, without validating the rules. */
export function decodeBinfmtD(bytes: Uint8Array): BinfmtDFile {
  const rules: RuleLine[] = [];
  const disabled: RuleLine[] = [];
  let at = 0;
  for (let line = 1; at < bytes.length; line++) {
    const end = endOfLine(bytes, at);
    if (end - at >= MAX_LINE) return { rules, disabled, cut: true };
    const text = decodeText(bytes.subarray(at, end)).replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
    const marked = withoutDisabledMark(text);
    if (marked !== null) disabled.push({ line, name: nameOf(marked), text: marked });
    else if (text !== '' && !'#;'.includes(text.charAt(0))) rules.push({ line, name: nameOf(text), text });
    at = skipLineEnd(bytes, end);
  }
  return { rules, disabled, cut: false };
}

function endOfLine(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && !LINE_ENDS.has(bytes[at] ?? 0)) at++;
  return at;
}

/** Consecutive different line ends count as one, such as CR LF. A NUL always ends the line (src/basic/fileio.c read_line_full()). */
function skipLineEnd(bytes: Uint8Array, start: number): number {
  const seen = new Set<number>();
  let at = start;
  while (at < bytes.length && !seen.has(0)) {
    const byte = bytes[at] ?? 0;
    if (!LINE_ENDS.has(byte) || seen.has(byte)) break;
    seen.add(byte);
    at++;
  }
  return at;
}

/** The delimiter is the first byte, even if that is part of a character. */
function nameOf(text: string): string {
  const bytes = encodeText(text);
  const end = bytes.indexOf(bytes[0] ?? 0, 1);
  return decodeText(bytes.subarray(1, end === -1 ? undefined : end));
}

/** Returns a comment that contains the rule of a disabled entry. */
export const markDisabled = (line: string): string => `${DISABLED}${line}`;

/** Returns the rule in such a comment; null for any other line. */
export const withoutDisabledMark = (line: string): string | null =>
  line.startsWith(DISABLED) ? line.slice(DISABLED.length) : null;

/** First line of a file that `export` writes. */
export const HEADER =
  '# Written by `binfmtctl export`. If several rules match a program, the last one applies.\n';

/** Encodes a file with one rule, after a comment that names binfmtctl. @throws BAD_RULE. */
export function encodeBinfmtD(rule: Rule): string {
  const line = encodeRuleLine(rule);
  return `# Written by binfmtctl; \`binfmtctl uninstall ${rule.name}\` removes it.\n${line}\n`;
}

/**
 * Encodes a rule as a line, without the line end.
 *
 * @throws BAD_RULE if a line cannot contain the rule: systemd splits at newline, carriage return and NUL, strips white space at
 * both ends, and treats a line that starts with `#` or `;` as a comment.
 */
export function encodeRuleLine(rule: Rule): string {
  const line = decodeText(formatRegister(rule));
  if (!/[\r\n\0]|^[#;\s]|\s$/.test(line)) return line;
  throw new BinfmtctlError('BAD_RULE', `rule ${rule.name} cannot be written to a binfmt.d file`, {
    hint: 'use a name and an interpreter without line breaks and surrounding white space',
  });
}

/** Returns the file name for a rule: the unchanged name, so that it hides a distribution's file of the same name. */
export function binfmtDFileName(rule: Pick<Rule, 'name'>): string {
  return `${rule.name}.conf`;
}

/** Longer than the prefix of any distribution's file. */
const MAX_PREFIX = 20;

/**
 * Returns a file name that sorts after the files `others`, so that systemd registers the rule after theirs; null if there is no such
 * name.
 */
export function fileNameAfter(rule: Pick<Rule, 'name'>, others: readonly string[]): string | null {
  const plain = binfmtDFileName(rule);
  const prefixed = Array.from({ length: MAX_PREFIX - 1 }, (_, index) => `${'z'.repeat(index + 2)}-${plain}`);
  return [plain, ...prefixed].find((name) => others.every((other) => isAfter(name, other))) ?? null;
}

/** Whether a file name is one of the above for a rule. */
export const isFileNameOf = (rule: Pick<Rule, 'name'>, fileName: string): boolean =>
  fileName.replace(/^z{2,20}-/, '') === binfmtDFileName(rule) || fileName === binfmtDFileName(rule);

/** Compares by bytes, like systemd (src/basic/conf-files.c, base_cmp()). */
function isAfter(name: string, other: string): boolean {
  const [bytes, others] = [encodeText(name), encodeText(other)];
  const at = others.findIndex((byte, index) => byte !== bytes[index]);
  return at === -1 ? bytes.length > others.length : (bytes[at] ?? -1) > (others[at] ?? -1);
}
