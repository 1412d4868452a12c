/**
 * The two files of binfmt-support 2.2.2: the format file that a package brings (/usr/share/binfmts) and the admin file
 * that update-binfmts writes (/var/lib/binfmts). Both hold a description, whose values stand as they were typed.
 */
import { BinfmtctlError } from '../errors.ts';
import { parseRegister, type Refusal } from '../rule/register.ts';
import { decodeText, encodeText } from '../rule/text.ts';
import type { Flag, Rule } from '../rule/types.ts';

/** Lines of an admin file, in order. For an extension `magic` holds it, without the dot. */
export const FIELDS = [
  'package',
  'type',
  'offset',
  'magic',
  'mask',
  'interpreter',
  'detector',
  'credentials',
  'preserve',
  'fix_binary',
] as const;

export type Field = (typeof FIELDS)[number];

/** Every field as text; empty where it is not set. */
export type Description = Readonly<Record<Field, string>>;

/** Package of a description that no package brought. */
export const LOCAL_PACKAGE = ':';

/** Fields from this one on may be missing: older versions did not write them. */
const FIRST_OPTIONAL = FIELDS.indexOf('detector');

/** The description in an admin file's bytes, or the first field that is missing. Further lines are passed over. */
export function decodeAdminFile(bytes: Uint8Array): Description | { readonly missing: Field } {
  const lines = linesOf(bytes);
  const missing = FIELDS.find((_, index) => index < FIRST_OPTIONAL && lines[index] === undefined);
  if (missing !== undefined) return { missing };
  return fill((field) => lines[FIELDS.indexOf(field)] ?? '');
}

/** Ten lines. That no value has a newline is the caller's to know. */
export function encodeAdminFile(description: Description): Uint8Array {
  return encodeText(FIELDS.map((field) => `${description[field]}\n`).join(''));
}

/**
 * Keys in lower case with their values; null for a line without a space, which alone separates. The last line of a key
 * counts. Nothing is a comment.
 */
export function decodeFormatFile(bytes: Uint8Array): ReadonlyMap<string, string | null> {
  const pairs = linesOf(bytes).map((line): [string, string | null] => {
    const space = line.indexOf(' ');
    const key = space === -1 ? line : line.slice(0, space);
    return [
      key.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
      space === -1 ? null : line.slice(space + 1),
    ];
  });
  return new Map(pairs);
}

/** Whether a format file may have it: all others are passed over (QEMU's script wrote `credential` for years). */
export const isFormatKey = (key: string): boolean =>
  key === 'extension' || FIELDS.some((field) => field === key);

/**
 * The description in a format file, or what is wrong with its specification, in update-binfmts' words. With a `type` line
 * that alone says which of the two counts.
 */
export function describeFormatFile(keys: ReadonlyMap<string, string | null>): Description | string {
  const [magic, extension, mask, offset, type] = ['magic', 'extension', 'mask', 'offset', 'type'].map(
    (key) => keys.get(key) || null,
  );
  // Even one without a value is taken for an extension.
  const hasExtension = keys.has('extension');
  if (!type && magic && hasExtension) return "can't use both --magic and --extension";
  if (!type && !magic && !hasExtension) return 'either --magic or --extension is required';
  const kind = type ?? (magic ? 'magic' : 'extension');
  if (kind === 'extension' && mask) return "can't use --mask with --extension";
  if (kind === 'extension' && offset) return "can't use --offset with --extension";
  const spec: Partial<Record<Field, string | null | undefined>> = {
    type: kind,
    offset: offset ?? '0',
    magic: kind === 'extension' ? extension : magic,
  };
  return fill((field) => (field in spec ? spec[field] : keys.get(field)) ?? '');
}

/** A line for each field that is set; the extension under its own key. */
export function encodeFormatFile(description: Description): Uint8Array {
  const isMagic = description.type === 'magic';
  const lines = FIELDS.filter((field) => field !== 'type' && (isMagic || field !== 'offset')).map((field) => {
    const key = field === 'magic' && !isMagic ? 'extension' : field;
    return description[field] === '' ? '' : `${key} ${description[field]}\n`;
  });
  return encodeText(lines.join(''));
}

/** What update-binfmts writes to `register` for a description, with the interpreter that the kernel is to start. */
export function registerString(name: string, description: Description, interpreter: string): Uint8Array {
  const { type, offset, magic, mask, credentials, preserve, fix_binary } = description;
  const flags = [credentials === 'yes' && 'C', preserve === 'yes' && 'P', fix_binary === 'yes' && 'F'];
  const letter = type === 'magic' ? 'M' : 'E';
  const fields = [name, letter, offset, magic, mask, interpreter, flags.filter(Boolean).join('')];
  return encodeText(`:${fields.join(':')}\n`);
}

/**
 * The rule that a description makes with its own interpreter, or why the kernel takes none. Its detector, which the kernel
 * cannot ask, is left out.
 */
export function ruleOfDescription(name: string, description: Description): Rule | Refusal {
  const parsed = parseRegister(registerString(name, description, description.interpreter));
  return 'rule' in parsed ? parsed.rule : parsed;
}

/**
 * The description of a rule, as a local one.
 *
 * There is no key for flag O, which the kernel adds with C alone: a rule with O but not C comes back without it.
 *
 * @throws BAD_RULE where a value has a newline or ends in white space, which a line of the files cannot hold.
 */
export function descriptionOf(rule: Rule): Description {
  const { pattern, flags, interpreter } = rule;
  const isMagic = pattern.type === 'magic';
  const values: Partial<Record<Field, string>> = {
    package: LOCAL_PACKAGE,
    type: pattern.type,
    offset: isMagic ? String(pattern.offset) : '0',
    magic: isMagic ? escaped(pattern.magic) : pattern.extension,
    mask: isMagic && pattern.mask !== null ? escaped(pattern.mask) : '',
    interpreter,
    credentials: yesOrNo(flags, 'C'),
    preserve: yesOrNo(flags, 'P'),
    fix_binary: yesOrNo(flags, 'F'),
  };
  if (Object.values(values).some((value) => /\n|\s$/.test(value))) {
    throw new BinfmtctlError('BAD_RULE', `rule ${rule.name} cannot be written for binfmt-support`, {
      hint: 'its interpreter or extension has a newline or ends in white space: choose another path',
    });
  }
  return fill((field) => values[field] ?? '');
}

/** Lines as C reads them: up to the first NUL, without the white space at the end; a last newline may be missing. */
function linesOf(bytes: Uint8Array): readonly string[] {
  const lines = decodeText(bytes).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => line.replace(/\0.*$/s, '').replace(/[ \t\v\f\r]+$/, ''));
}

const fill = (textOf: (field: Field) => string): Description =>
  Object.fromEntries(FIELDS.map((field) => [field, textOf(field)])) as Record<Field, string>;

const yesOrNo = (flags: readonly Flag[], flag: Flag): string => (flags.includes(flag) ? 'yes' : 'no');

const escaped = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
