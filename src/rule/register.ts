/** The register string ↔ rule, as fs/binfmt_misc.c create_entry() and bm_register_write() read it. */
import { BinfmtctlError } from '../errors.ts';
import { MAX_NAME_SIZE, MAX_REGISTER_SIZE, RESERVED_NAMES, requireRegistrable } from './check.ts';
import { encodeEscaped } from './escape.ts';
import { formatFlags } from './flags.ts';
import { parseSyntax, type Registration } from './syntax.ts';
import { encodeText } from './text.ts';
import type { Pattern, Rule } from './types.ts';

/** What the kernel answers instead. */
export interface Refusal {
  readonly errno: 'EINVAL' | 'ENAMETOOLONG' | 'EEXIST';
  readonly reason: string;
}

export interface RegisterDialect {
  /** Read as Linux 7.3 does, without BPF handlers. */
  readonly linux73?: boolean | undefined;
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
/** Not `#` and `;`, which begin a comment in files of register strings (binfmt.d). */
const PREFERRED_DELIMITERS = encodeText(':,|!@%+=~^&*_');

/**
 * Reads one register string, of any bytes, as Linux 6.18 does or, with `linux73`, Linux 7.3. Never throws: what
 * is wrong comes back as the errno that the kernel gives, with a reason. What only a kernel knows is not judged:
 * whether the name is taken, and the file of flag F, whose errors come before those of the name.
 */
export function parseRegister(bytes: Uint8Array, dialect: RegisterDialect = {}): Registration | Refusal {
  try {
    const registration = parseSyntax(bytes, dialect.linux73 ?? false);
    return refusedName(registration.rule.name) ?? registration;
  } catch (error) {
    if (error instanceof BinfmtctlError) return { errno: 'EINVAL', reason: error.message };
    throw error;
  }
}

/**
 * Writes a rule so that it reads back equal: `:` as the delimiter unless a text contains it, magic and mask with
 * letters and digits literal and all else escaped, or with as few escapes as possible where that would be too
 * long. `disabled` adds flag D (Linux 7.3). BAD_RULE with a hint for what the kernel cannot take.
 */
export function formatRegister(rule: Rule, options: { readonly disabled?: boolean } = {}): Uint8Array {
  requireRegistrable(rule);
  const { pattern } = rule;
  const name = encodeText(rule.name);
  const interpreter = encodeText(rule.interpreter);
  const extension = pattern.type === 'extension' ? encodeText(pattern.extension) : new Uint8Array();
  const delimiter = chooseDelimiter(rule.name, [name, interpreter, extension]);
  const flags = encodeText(formatFlags(rule.flags) + (options.disabled ? 'D' : ''));
  const isRaw = (byte: number) => byte !== 0 && byte !== BACKSLASH && byte !== delimiter;
  for (const isLiteral of [isAlphanumeric, isRaw]) {
    const string = join([name, ...formatPattern(pattern, isLiteral), interpreter, flags], delimiter);
    if (string.length <= MAX_REGISTER_SIZE) return string;
  }
  const hint = `the kernel takes ${MAX_REGISTER_SIZE}: shorten the interpreter's path, the name, or magic and mask`;
  throw new BinfmtctlError('BAD_RULE', `register string of ${JSON.stringify(rule.name)} is too long`, {
    hint,
  });
}

/** Judged last, once the string was read. */
function refusedName(name: string): Refusal | null {
  const size = encodeText(name).length;
  if (size > MAX_NAME_SIZE) return { errno: 'ENAMETOOLONG', reason: `name of ${size} bytes` };
  if (RESERVED_NAMES.includes(name)) return { errno: 'EEXIST', reason: `${name} is a file of binfmt_misc` };
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

/** The first byte that no text contains. */
function chooseDelimiter(name: string, texts: readonly Uint8Array[]): number {
  const isFree = (byte: number) => !texts.some((text) => text.includes(byte));
  const delimiter = PREFERRED_DELIMITERS.find(isFree) ?? otherDelimiters().find(isFree);
  if (delimiter !== undefined) return delimiter;
  const hint = 'choose an interpreter path with fewer different special characters';
  throw new BinfmtctlError('BAD_RULE', `no byte is left as delimiter for ${JSON.stringify(name)}`, { hint });
}

/** Letters and digits stand for types, flags and offsets, backslash for escapes; a newline would need a second one
 * at the end. */
function otherDelimiters(): number[] {
  const bytes = Array.from({ length: 255 }, (_, index) => index + 1);
  return bytes.filter((byte) => !isAlphanumeric(byte) && byte !== BACKSLASH && byte !== NEWLINE);
}

const isAlphanumeric = (byte: number): boolean => /[0-9A-Za-z]/.test(String.fromCharCode(byte));

/** Every field after a delimiter; the flags, the last one, end the string. */
const join = (fields: readonly Uint8Array[], delimiter: number): Uint8Array =>
  Uint8Array.from(fields.flatMap((field) => [delimiter, ...field]));
