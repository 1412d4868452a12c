/**
 * The two files of binfmt-support 2.2.2: the format file of a package (/usr/share/binfmts), and the admin file that update-binfmts
 * writes (/var/lib/binfmts). Both contain a description with unparsed values.
 */
import { BinfmtctlError } from '../errors.ts';
import { parseRegister, type Refusal } from '../rule/register.ts';
import { decodeText, encodeText } from '../rule/text.ts';
import type { Flag, Rule } from '../rule/types.ts';

/** The lines of an admin file, in order. `magic` may be an extension, without the dot. */
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

/** All fields as text; empty if not set. */
export type Description = Readonly<Record<Field, string>>;

/** The package of a description that does not come from a package. */
export const LOCAL_PACKAGE = ':';

/** The first of the fields that may be missing, because older versions did not write them. */
const FIRST_OPTIONAL = FIELDS.indexOf('detector');

/** Decodes an admin file, or returns the first missing field. Ignores additional lines. */
export function decodeAdminFile(bytes: Uint8Array): Description | { readonly missing: Field } {
  const lines = linesOf(bytes);
  const missing = FIELDS.find((_, index) => index < FIRST_OPTIONAL && lines[index] === undefined);
  if (missing !== undefined) return { missing };
  return fill((field) => lines[FIELDS.indexOf(field)] ?? '');
}

/** Encodes an admin file of ten lines. The caller ensures that no value contains a newline. */
export function encodeAdminFile(description: Description): Uint8Array {
  return encodeText(FIELDS.map((field) => `${description[field]}\n`).join(''));
}

/**
 * Decodes a format file to lower-case keys and their values. The first space ends the key; a line without a space has the value null.
 * The last line of a key counts. There are no comments.
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

/** Whether a key is valid in a format file. update-binfmts ignores others (QEMU's script wrote `credential` for years). */
export const isFormatKey = (key: string): boolean =>
  key === 'extension' || FIELDS.some((field) => field === key);

/**
 * Returns the description in a format file, or update-binfmts' error message. A `type` line decides between magic and
 * extension.
 */
export function describeFormatFile(keys: ReadonlyMap<string, string | null>): Description | string {
  const [magic, extension, mask, offset, type] = ['magic', 'extension', 'mask', 'offset', 'type'].map(
    (key) => keys.get(key) || null,
  );
  // The key `extension` counts even without a value.
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

/** Encodes a format file: a line for each field that is set, and the key `extension` for an extension. */
export function encodeFormatFile(description: Description): Uint8Array {
  const isMagic = description.type === 'magic';
  const lines = FIELDS.filter((field) => field !== 'type' && (isMagic || field !== 'offset')).map((field) => {
    const key = field === 'magic' && !isMagic ? 'extension' : field;
    return description[field] === '' ? '' : `${key} ${description[field]}\n`;
  });
  return encodeText(lines.join(''));
}

/** The register string of update-binfmts for a description and the interpreter that the kernel starts. */
export function registerString(name: string, description: Description, interpreter: string): Uint8Array {
  const { type, offset, magic, mask, credentials, preserve, fix_binary } = description;
  const flags = [credentials === 'yes' && 'C', preserve === 'yes' && 'P', fix_binary === 'yes' && 'F'];
  const letter = type === 'magic' ? 'M' : 'E';
  const fields = [name, letter, offset, magic, mask, interpreter, flags.filter(Boolean).join('')];
  return encodeText(`:${fields.join(':')}\n`);
}

/** Returns the rule of a description with its interpreter, or why it is invalid. Ignores its detector, which the kernel cannot run. */
export function ruleOfDescription(name: string, description: Description): Rule | Refusal {
  const parsed = parseRegister(registerString(name, description, description.interpreter));
  return 'rule' in parsed ? parsed.rule : parsed;
}

/**
 * Describes a rule as a local format.
 *
 * There is no key for flag O, which the kernel adds to C: a rule with O but without C loses it.
 *
 * @throws BAD_RULE if a value contains a newline or ends in white space, which the files cannot represent.
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
      hint: 'use an interpreter and an extension without newlines and trailing white space',
    });
  }
  return fill((field) => values[field] ?? '');
}

/** Splits lines as update-binfmts does: up to the first NUL, without trailing white space. The last newline may be missing. */
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
