/** Files of `binfmt.d`, as binfmt.d(5) and systemd's src/binfmt/binfmt.c apply_file() read them. */
import { BinfmtctlError } from '../errors.ts';
import { formatRegister } from '../rule/register.ts';
import { decodeText, encodeText } from '../rule/text.ts';
import type { Rule } from '../rule/types.ts';

/** A line that is a rule. */
export interface RuleLine {
  /** Counted from 1; every line counts. */
  readonly line: number;
  /** Between the first character and its next occurrence, or the end of the line. */
  readonly name: string;
  /** The register string, without what was stripped at its ends. */
  readonly text: string;
}

export interface BinfmtDFile {
  readonly rules: readonly RuleLine[];
  /** Comments that `markDisabled` has made: for systemd they are no rules. */
  readonly disabled: readonly RuleLine[];
  /** Whether a line is longer than is read (LONG_LINE_MAX, 1 MiB): what follows was not looked at. */
  readonly cut: boolean;
}

const MAX_LINE = 1 << 20;
const DISABLED = '#disabled ';
const LINE_ENDS = new Set([0x0a, 0x0d, 0x00]);

/** The rules of a file's bytes. Nothing is judged but what is a line, a comment or empty. */
export function decodeBinfmtD(bytes: Uint8Array): BinfmtDFile {
  const rules: RuleLine[] = [];
  const disabled: RuleLine[] = [];
  const { lines, cut } = splitLines(bytes);
  for (const [index, whole] of lines.entries()) {
    const [line, text] = [index + 1, stripped(whole)];
    const marked = withoutDisabledMark(text);
    if (marked !== null) disabled.push({ line, name: nameOf(marked), text: marked });
    else if (!isComment(text)) rules.push({ line, name: nameOf(text), text });
  }
  return { rules, disabled, cut };
}

/** All lines of a file, up to one that is too long; `cut` says whether there is one. */
export function splitLines(bytes: Uint8Array): { readonly lines: readonly string[]; readonly cut: boolean } {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = endOfLine(bytes, at);
    if (end - at >= MAX_LINE) return { lines, cut: true };
    lines.push(decodeText(bytes.subarray(at, end)));
    at = behindLineEnd(bytes, end);
  }
  return { lines, cut: false };
}

/** Whether a line is empty or a comment. */
export function isComment(line: string): boolean {
  const text = stripped(line);
  return text === '' || '#;'.includes(text.charAt(0));
}

const stripped = (line: string): string => line.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');

function endOfLine(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && !LINE_ENDS.has(bytes[at] ?? 0)) at++;
  return at;
}

/** Different line ends in a row are one, such as CR LF; a NUL ends a line at once (src/basic/fileio.c read_line_full()). */
function behindLineEnd(bytes: Uint8Array, start: number): number {
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

/** The delimiter is the first byte, which may be part of a character. */
function nameOf(text: string): string {
  const bytes = encodeText(text);
  const end = bytes.indexOf(bytes[0] ?? 0, 1);
  return decodeText(bytes.subarray(1, end === -1 ? undefined : end));
}

/** The comment that keeps the rule of a disabled entry. */
export const markDisabled = (line: string): string => `${DISABLED}${line}`;

/** The rule in such a comment; null where it is none. */
export const withoutDisabledMark = (line: string): string | null =>
  line.startsWith(DISABLED) ? line.slice(DISABLED.length) : null;

/** First line of a file that `export` writes. */
export const HEADER = '# Written by binfmtctl export; the last rule that takes a file wins.\n';

/** Text of a file with one rule: a comment that names the writer, then the rule. @throws BAD_RULE. */
export function encodeBinfmtD(rule: Rule): string {
  const line = encodeRuleLine(rule);
  return `# Written by binfmtctl; \`binfmtctl uninstall ${rule.name}\` takes it back.\n${line}\n`;
}

/**
 * The register string of a rule on a line of its own, without the line's end.
 *
 * @throws BAD_RULE where the rule cannot stand on such a line: systemd splits at newline, carriage return and NUL,
 * strips white space at both ends and takes `#` and `;` at the start for a comment.
 */
export function encodeRuleLine(rule: Rule): string {
  const line = decodeText(formatRegister(rule));
  if (!/[\r\n\0]|^[#;\s]|\s$/.test(line)) return line;
  throw new BinfmtctlError('BAD_RULE', `rule ${rule.name} cannot be written to a binfmt.d file`, {
    hint: 'its name or interpreter has a character that such a file cannot hold: choose another path',
  });
}

/** Name of the file for a rule: the name as it is, so that it hides a distribution's file of the same name. */
export function binfmtDFileName(rule: Pick<Rule, 'name'>): string {
  return `${rule.name}.conf`;
}

/** More than any file of a distribution starts with. */
const MAX_PREFIX = 20;

/**
 * As `binfmtDFileName`, but sorted behind the files `others`, so that systemd registers the rule after theirs; null if no
 * such name is behind all of them.
 */
export function fileNameAfter(rule: Pick<Rule, 'name'>, others: readonly string[]): string | null {
  const plain = binfmtDFileName(rule);
  const prefixed = Array.from({ length: MAX_PREFIX - 1 }, (_, index) => `${'z'.repeat(index + 2)}-${plain}`);
  return [plain, ...prefixed].find((name) => others.every((other) => isBehind(name, other))) ?? null;
}

/** Whether a file of that name holds the rule of an entry: under one of the names above. */
export const isFileNameOf = (rule: Pick<Rule, 'name'>, fileName: string): boolean =>
  fileName.replace(/^z{2,20}-/, '') === binfmtDFileName(rule) || fileName === binfmtDFileName(rule);

/** In the order of systemd, by bytes (src/basic/conf-files.c, base_cmp()). */
function isBehind(name: string, other: string): boolean {
  const [bytes, others] = [encodeText(name), encodeText(other)];
  const at = others.findIndex((byte, index) => byte !== bytes[index]);
  return at === -1 ? bytes.length > others.length : (bytes[at] ?? -1) > (others[at] ?? -1);
}
