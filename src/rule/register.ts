/** Register string ↔ rule, as read by fs/binfmt_misc.c create_entry() and bm_register_write(). */
import { BinfmtctlError } from '../errors.ts';
import {
  MAX_NAME_SIZE,
  MAX_REGISTER_SIZE,
  MIN_REGISTER_SIZE,
  RESERVED_NAMES,
  requireName,
  requireRegistrable,
} from './check.ts';
import { encodeEscaped } from './escape.ts';
import { formatFlags, LINUX73_FLAGS, needsAbsolute, REGISTER_DISABLED } from './flags.ts';
import { type ParsedRegistration, parseSyntax, type RegisterDialect } from './syntax.ts';
import { encodeText } from './text.ts';
import { type AnyRule, type BpfRule, isBpf, type Pattern, type Rule } from './types.ts';

export type { ParsedRegistration, RegisterDialect } from './syntax.ts';

/** The kernel's error for an invalid register string. */
export interface Refusal {
  readonly errno: 'EINVAL' | 'ENAMETOOLONG' | 'EEXIST';
  readonly reason: string;
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
/** Without `#` and `;`, which start a comment in files of register strings (binfmt.d). */
const PREFERRED_DELIMITERS = encodeText(':,|!@%+=~^&*_');

/**
 * Parses a register string as Linux 6.18 does or, with `linux73`, as Linux 7.3 without BPF handlers. Never throws:
 * returns the kernel's errno with a reason. Does not check facts of the kernel's state:
 * whether the name exists, and the file of flag F. Errors of that file precede those of the name.
 */
export function parseRegister(
  bytes: Uint8Array,
  dialect: Pick<RegisterDialect, 'linux73'> = {},
): ParsedRegistration | Refusal {
  const parsed = parseRegisterSyntax(bytes, { linux73: dialect.linux73 });
  if ('errno' in parsed) return parsed;
  const { rule, disabled } = parsed;
  // Type B is only parsed with `bpf`.
  return isBpf(rule) ? noBpf : (badName(rule.name) ?? { rule, disabled });
}

const noBpf: Refusal = { errno: 'EINVAL', reason: 'this kernel does not support BPF handlers' };

/** Like `parseRegister`, for any dialect, without checking the name's length and the reserved names. */
export function parseRegisterSyntax(
  bytes: Uint8Array,
  dialect: RegisterDialect,
): ParsedRegistration<AnyRule> | Refusal {
  try {
    return parseSyntax(bytes, dialect);
  } catch (error) {
    if (error instanceof BinfmtctlError) return { errno: 'EINVAL', reason: error.message };
    throw error;
  }
}

/**
 * Formats a rule so that it parses back unchanged. Uses `:` as delimiter unless a text contains it. In magic and mask,
 * letters and digits are literal, other bytes are escaped; if that is too long, uses as few escapes as possible. Throws
 * BAD_RULE if the kernel cannot accept the rule.
 */
export function formatRegister(rule: Rule, options: FormatOptions = {}): Uint8Array {
  requireRegistrable(rule);
  requireKnownTo(rule, { linux73: options.linux73 });
  const { pattern } = rule;
  const name = encodeText(rule.name);
  const interpreter = encodeText(rule.interpreter);
  const extension = pattern.type === 'extension' ? encodeText(pattern.extension) : new Uint8Array();
  const delimiter = chooseDelimiter(rule.name, [name, interpreter, extension]);
  const flags = encodeText(formatFlags(rule.flags) + (options.disabled ? REGISTER_DISABLED : ''));
  const isRaw = (byte: number) => byte !== 0 && byte !== BACKSLASH && byte !== delimiter;
  for (const isLiteral of [isAlphanumeric, isRaw]) {
    const string = join([name, ...formatPattern(pattern, isLiteral), interpreter, flags], delimiter);
    if (string.length <= MAX_REGISTER_SIZE) return string;
  }
  throw new BinfmtctlError('BAD_RULE', `register string of ${JSON.stringify(rule.name)} is too long`, {
    hint: `shorten the interpreter's path, the name, or magic and mask; the kernel's limit is ${MAX_REGISTER_SIZE} bytes`,
  });
}

/** Options of `formatRegister`. */
export interface FormatOptions {
  /** Adds flag D (Linux 7.3). */
  readonly disabled?: boolean | undefined;
  /** True if the target kernel is Linux 7.3 or later; undefined if unknown. */
  readonly linux73?: boolean | undefined;
}

/** Formats a rule of type B (Linux 7.3), without its bound interpreters. Throws BAD_RULE as `formatRegister`. */
export function formatBpfRegister(rule: BpfRule, options: Pick<FormatOptions, 'disabled'> = {}): Uint8Array {
  requireName(rule.name);
  const name = encodeText(rule.name);
  const handler = encodeText(rule.handler);
  const none = new Uint8Array();
  const flags = encodeText(options.disabled ? REGISTER_DISABLED : '');
  const delimiter = chooseDelimiter(rule.name, [name, handler]);
  const string = join([name, encodeText('B'), none, none, none, handler, flags], delimiter);
  // The optional trailing newline gives the minimum size if name and handler have one byte each.
  return string.length < MIN_REGISTER_SIZE ? Uint8Array.of(...string, NEWLINE) : string;
}

function requireKnownTo(
  { name, flags, interpreter }: Rule,
  { linux73 }: { readonly linux73: boolean | undefined },
): void {
  const quoted = JSON.stringify(name);
  const tooNew = flags.find((flag) => LINUX73_FLAGS.includes(flag));
  if (linux73 === false && tooNew !== undefined) {
    throw new BinfmtctlError('BAD_RULE', `unsupported flag ${tooNew} of ${quoted}: it requires Linux 7.3`, {
      hint: `remove flag ${tooNew}, or use Linux 7.3 or later`,
    });
  }
  const isLinux73 = linux73 === true || flags.includes('L');
  if (isLinux73 && needsAbsolute(flags) && !interpreter.startsWith('/')) {
    throw new BinfmtctlError('BAD_RULE', `interpreter of ${quoted} is not an absolute path`, {
      hint: 'use an absolute path: since Linux 7.3, flags C and L without F require it',
    });
  }
}

/** The kernel checks the name last. */
function badName(name: string): Refusal | null {
  const size = encodeText(name).length;
  if (size > MAX_NAME_SIZE) return { errno: 'ENAMETOOLONG', reason: `name is too long: ${size} bytes` };
  if (RESERVED_NAMES.includes(name))
    return { errno: 'EEXIST', reason: `name ${name} is reserved by binfmt_misc` };
  return null;
}

/** Fields two to five: type, offset, magic, mask. */
function formatPattern(pattern: Pattern, isLiteral: (byte: number) => boolean): Uint8Array[] {
  const none = new Uint8Array();
  if (pattern.type === 'extension') return [encodeText('E'), none, encodeText(pattern.extension), none];
  const escaped = (bytes: Uint8Array | null) => (bytes === null ? none : encodeEscaped(bytes, isLiteral));
  const offset = encodeText(pattern.offset === 0 ? '' : `${pattern.offset}`);
  return [encodeText('M'), offset, escaped(pattern.magic), escaped(pattern.mask)];
}

/** The first possible delimiter that no text contains. */
function chooseDelimiter(name: string, texts: readonly Uint8Array[]): number {
  const isFree = (byte: number) => !texts.some((text) => text.includes(byte));
  const delimiter = PREFERRED_DELIMITERS.find(isFree) ?? otherDelimiters().find(isFree);
  if (delimiter !== undefined) return delimiter;
  const hint = 'use an interpreter path with fewer different special characters';
  throw new BinfmtctlError('BAD_RULE', `no delimiter is possible for ${JSON.stringify(name)}`, { hint });
}

/**
 * All bytes except letters and digits (types, flags, offsets), backslash (escapes) and newline (a second one would be
 * needed at the end).
 */
function otherDelimiters(): number[] {
  const bytes = Array.from({ length: 255 }, (_, index) => index + 1);
  return bytes.filter((byte) => !isAlphanumeric(byte) && byte !== BACKSLASH && byte !== NEWLINE);
}

const isAlphanumeric = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/** Writes a delimiter before every field; the string ends with the flags. */
function join(fields: readonly Uint8Array[], delimiter: number): Uint8Array {
  const string = new Uint8Array(fields.reduce((size, field) => size + field.length + 1, 0));
  let at = 0;
  for (const field of fields) {
    string[at] = delimiter;
    string.set(field, at + 1);
    at += field.length + 1;
  }
  return string;
}
