/** The register string ↔ rule, as fs/binfmt_misc.c create_entry() and bm_register_write() read it. */
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

/** What the kernel answers instead. */
export interface Refusal {
  readonly errno: 'EINVAL' | 'ENAMETOOLONG' | 'EEXIST';
  readonly reason: string;
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
/** Not `#` and `;`, which begin a comment in files of register strings (binfmt.d). */
const PREFERRED_DELIMITERS = encodeText(':,|!@%+=~^&*_');

/**
 * Reads one register string, of any bytes, as Linux 6.18 does or, with `linux73`, Linux 7.3 without BPF handlers. Never
 * throws: what is wrong comes back as the errno that the kernel gives, with a reason. What only a kernel knows is not
 * judged: whether the name is taken, and the file of flag F, whose errors come before those of the name.
 */
export function parseRegister(
  bytes: Uint8Array,
  dialect: Pick<RegisterDialect, 'linux73'> = {},
): ParsedRegistration | Refusal {
  const parsed = parseRegisterSyntax(bytes, { linux73: dialect.linux73 });
  if ('errno' in parsed) return parsed;
  const { rule, disabled } = parsed;
  // Without `bpf` the syntax has no type B.
  return isBpf(rule) ? noBpf : (badName(rule.name) ?? { rule, disabled });
}

const noBpf: Refusal = { errno: 'EINVAL', reason: 'the kernel has no BPF handlers' };

/** As `parseRegister`, for any dialect, and without a word on the name's length and the reserved ones. */
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
 * Writes a rule so that it reads back equal: `:` as the delimiter unless a text contains it, magic and mask with
 * letters and digits literal and all else escaped, or with as few escapes as possible where that would be too
 * long. BAD_RULE with a hint for what the kernel cannot take.
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
  const hint = `the kernel takes ${MAX_REGISTER_SIZE}: shorten the interpreter's path, the name, or magic and mask`;
  throw new BinfmtctlError('BAD_RULE', `register string of ${JSON.stringify(rule.name)} is too long`, {
    hint,
  });
}

/** Options of `formatRegister`. */
export interface FormatOptions {
  /** Adds flag D (Linux 7.3). */
  readonly disabled?: boolean | undefined;
  /** Whether the kernel that is to be told knows what Linux 7.3 knows; undefined for the string alone. */
  readonly linux73?: boolean | undefined;
}

/** The string for a rule of type B (Linux 7.3), without what is bound to it. BAD_RULE as `formatRegister`. */
export function formatBpfRegister(rule: BpfRule, options: Pick<FormatOptions, 'disabled'> = {}): Uint8Array {
  requireName(rule.name);
  const name = encodeText(rule.name);
  const handler = encodeText(rule.handler);
  const none = new Uint8Array();
  const flags = encodeText(options.disabled ? REGISTER_DISABLED : '');
  const delimiter = chooseDelimiter(rule.name, [name, handler]);
  const string = join([name, encodeText('B'), none, none, none, handler, flags], delimiter);
  // The newline that may end a string makes one long enough whose name and handler have one byte each.
  return string.length < MIN_REGISTER_SIZE ? Uint8Array.of(...string, NEWLINE) : string;
}

function requireKnownTo(
  { name, flags, interpreter }: Rule,
  { linux73 }: { readonly linux73: boolean | undefined },
): void {
  const quoted = JSON.stringify(name);
  const tooNew = flags.find((flag) => LINUX73_FLAGS.includes(flag));
  if (linux73 === false && tooNew !== undefined) {
    throw new BinfmtctlError('BAD_RULE', `flag ${tooNew} of ${quoted} is unknown to this kernel`, {
      hint: `leave ${tooNew} out, or use Linux 7.3 or later`,
    });
  }
  const isLinux73 = linux73 === true || flags.includes('L');
  if (isLinux73 && needsAbsolute(flags) && !interpreter.startsWith('/')) {
    throw new BinfmtctlError('BAD_RULE', `interpreter of ${quoted} is no absolute path`, {
      hint: 'from Linux 7.3 on flags C and L without F need one: write the whole path',
    });
  }
}

/** Judged last, once the string was read. */
function badName(name: string): Refusal | null {
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

const isAlphanumeric = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/** Every field after a delimiter; the flags, the last one, end the string. */
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
