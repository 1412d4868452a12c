/** The register string ↔ rule, as fs/binfmt_misc.c create_entry() and bm_register_write() read it. */
import { BinfmtctlError } from '../errors.ts';
import { HEAD_SIZE, MAX_NAME_SIZE, RESERVED_NAMES, requireRegistrable } from './check.ts';
import { decodeEscaped, encodeEscaped, scanEscaped } from './escape.ts';
import { FLAGS, formatFlags, isFlag, normaliseFlags } from './flags.ts';
import { decodeText, encodeText } from './text.ts';
import type { Flag, Pattern, Rule } from './types.ts';

/** Flags of Linux 7.3: T transparent, L loader substitution, D register disabled. */
export type LaterFlag = 'T' | 'L' | 'D';

export interface Registration {
  readonly rule: Rule;
  /** Flags that a rule does not hold; empty unless `linux73` was asked for. */
  readonly later: readonly LaterFlag[];
}

/** What the kernel answers instead. */
export interface Refusal {
  readonly errno: 'EINVAL' | 'ENAMETOOLONG' | 'EEXIST';
  readonly reason: string;
}

export interface RegisterDialect {
  /** Read as Linux 7.3 does, without BPF handlers. */
  readonly linux73?: boolean | undefined;
}

const MIN_SIZE = 11;
/** MAX_REGISTER_LENGTH; a trailing newline counts. */
const MAX_SIZE = 1920;
/** Copies of the delimiter that create_entry() appends, so that a search for one always ends. */
const PAD_SIZE = 8;
const LATER_FLAGS: readonly LaterFlag[] = ['T', 'L', 'D'];
const NEWLINE = 0x0a;

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
  const isRaw = (byte: number) => byte !== 0 && byte !== 0x5c && byte !== delimiter;
  const candidates = [isAlphanumeric, isRaw].map((isLiteral) =>
    join([name, ...formatPattern(pattern, isLiteral), interpreter, flags], delimiter),
  );
  const fitting = candidates.find((candidate) => candidate.length <= MAX_SIZE);
  if (fitting !== undefined) return fitting;
  const hint = `the kernel takes ${MAX_SIZE}: shorten the interpreter's path, the name, or magic and mask`;
  throw new BinfmtctlError('BAD_RULE', `register string of ${JSON.stringify(rule.name)} is too long`, {
    hint,
  });
}

function parseSyntax(bytes: Uint8Array, linux73: boolean): Registration {
  if (bytes.length < MIN_SIZE || bytes.length > MAX_SIZE) {
    refuse(`${bytes.length} bytes: ${MIN_SIZE} to ${MAX_SIZE} are possible`);
  }
  const delimiter = bytes[0] ?? 0;
  const letters: readonly string[] = linux73 ? [...FLAGS, ...LATER_FLAGS] : FLAGS;
  if (letters.includes(String.fromCharCode(delimiter))) refuse('the delimiter is a flag letter');
  const cursor = { bytes: pad(bytes, delimiter), at: 1, delimiter };
  const name = takeText(cursor, 'name');
  if (name === '' || name === '.' || name === '..' || name.includes('/')) refuse('the name is no file name');
  const pattern = takePattern(cursor);
  const interpreter = takeText(cursor, 'interpreter');
  if (interpreter === '') refuse('the interpreter is empty');
  // The pad does not serve as the delimiter before the flags: they must end where the input does.
  const { flags, later } = takeFlags(cursor, letters, bytes.length);
  if (linux73) requireLinux73(flags, later, interpreter);
  return { rule: { name, pattern, interpreter, flags }, later };
}

interface Cursor {
  readonly bytes: Uint8Array;
  readonly delimiter: number;
  at: number;
}

/** A field as C's strchr() finds it: a NUL before the delimiter hides it. */
function takeField(cursor: Cursor, what: string): Uint8Array {
  const end = cursor.bytes.indexOf(cursor.delimiter, cursor.at);
  const field = cursor.bytes.subarray(cursor.at, end);
  if (end === -1 || field.includes(0)) refuse(`no delimiter after the ${what}`);
  cursor.at = end + 1;
  return field;
}

const takeText = (cursor: Cursor, what: string): string => decodeText(takeField(cursor, what));

function takePattern(cursor: Cursor): Pattern {
  const type = String.fromCharCode(cursor.bytes[cursor.at] ?? 0);
  if (type !== 'M' && type !== 'E') refuse('the type is neither M nor E');
  if (cursor.bytes[cursor.at + 1] !== cursor.delimiter) refuse('no delimiter after the type');
  cursor.at += 2;
  return type === 'M' ? takeMagic(cursor) : takeExtension(cursor);
}

function takeMagic(cursor: Cursor): Pattern {
  const offset = parseOffset(takeText(cursor, 'offset'));
  const magic = takeEscaped(cursor, 'magic');
  const mask = takeEscaped(cursor, 'mask');
  if (magic === null) refuse('the magic is empty or begins with a raw NUL');
  if (mask !== null && mask.length !== magic.length) {
    refuse(`the mask has ${mask.length} bytes, the magic ${magic.length}`);
  }
  if (offset + magic.length > HEAD_SIZE) refuse(`the magic ends after byte ${HEAD_SIZE} of the file`);
  return { type: 'magic', offset, magic, mask };
}

/** Null for a field that is empty or begins with a raw NUL. */
function takeEscaped(cursor: Cursor, what: string): Uint8Array | null {
  const end = scanEscaped(cursor.bytes, cursor.at, cursor.delimiter);
  if (end === null) refuse(`broken \\x escape in the ${what}`);
  const field = decodeEscaped(cursor.bytes.subarray(cursor.at, end));
  cursor.at = end + 1;
  return field.length === 0 ? null : field;
}

/** As kstrtoint() with base 10; past the head means refused anyway, whether or not an int holds it. */
function parseOffset(text: string): number {
  if (text === '') return 0;
  if (!/^[+-]?[0-9]+\n?$/.test(text)) refuse('the offset is no decimal number');
  const offset = Number.parseInt(text, 10);
  if (offset < 0) refuse('the offset is negative');
  return Math.abs(offset);
}

/** Offset and mask are skipped unread. */
function takeExtension(cursor: Cursor): Pattern {
  takeField(cursor, 'offset');
  const extension = takeText(cursor, 'extension');
  takeField(cursor, 'mask');
  if (extension === '' || extension.includes('/')) refuse('the extension is empty or contains a slash');
  return { type: 'extension', extension };
}

/** Flag letters, then at most one newline, then exactly the end of the input, which is `size` bytes long. */
function takeFlags(cursor: Cursor, letters: readonly string[], size: number): FoundFlags {
  const found: string[] = [];
  const letter = () => String.fromCharCode(cursor.bytes[cursor.at] ?? 0);
  for (; letters.includes(letter()); cursor.at++) found.push(letter());
  if (cursor.bytes[cursor.at] === NEWLINE) cursor.at++;
  if (cursor.at !== size) refuse('the flags are not the end, or the delimiter before them is missing');
  const later = LATER_FLAGS.filter((flag) => found.includes(flag));
  const implied: readonly Flag[] = later.includes('T') ? ['O'] : [];
  return { flags: normaliseFlags([...found.filter(isFlag), ...implied]), later };
}

interface FoundFlags {
  readonly flags: readonly Flag[];
  readonly later: readonly LaterFlag[];
}

/** What Linux 7.3 refuses in addition. */
function requireLinux73(flags: readonly Flag[], later: readonly LaterFlag[], interpreter: string): void {
  const has = (flag: Flag | LaterFlag) => flags.some((f) => f === flag) || later.some((l) => l === flag);
  if (has('T') && has('P')) refuse('flags T and P exclude each other');
  if (has('L') && (has('T') || has('P') || has('O'))) refuse('flag L goes with F and D only');
  if ((has('C') || has('L')) && !has('F') && !interpreter.startsWith('/')) {
    refuse('flags C and L without F need an absolute interpreter');
  }
}

/** Judged last, once the string was read. */
function refusedName(name: string): Refusal | null {
  const size = encodeText(name).length;
  if (size > MAX_NAME_SIZE) return { errno: 'ENAMETOOLONG', reason: `name of ${size} bytes` };
  if (RESERVED_NAMES.includes(name)) return { errno: 'EEXIST', reason: `${name} is a file of binfmt_misc` };
  return null;
}

function pad(bytes: Uint8Array, delimiter: number): Uint8Array {
  const padded = new Uint8Array(bytes.length + PAD_SIZE).fill(delimiter);
  padded.set(bytes);
  return padded;
}

/** Fields two to five: type, offset, magic, mask. */
function formatPattern(pattern: Pattern, isLiteral: (byte: number) => boolean): Uint8Array[] {
  const none = new Uint8Array();
  if (pattern.type === 'extension') return [encodeText('E'), none, encodeText(pattern.extension), none];
  const escaped = (bytes: Uint8Array | null) => (bytes === null ? none : encodeEscaped(bytes, isLiteral));
  const offset = encodeText(pattern.offset === 0 ? '' : `${pattern.offset}`);
  return [encodeText('M'), offset, escaped(pattern.magic), escaped(pattern.mask)];
}

/**
 * `:`, else the first punctuation mark, else any other byte that no text contains. Letters and digits stand for
 * types, flags and offsets, backslash for escapes; a newline as delimiter would need a second one at the end.
 */
function chooseDelimiter(name: string, texts: readonly Uint8Array[]): number {
  const all = Array.from({ length: 255 }, (_, index) => index + 1);
  const possible = all.filter((byte) => !isAlphanumeric(byte) && byte !== 0x5c && byte !== NEWLINE);
  const isPunctuation = (byte: number) => byte > 0x20 && byte < 0x7f;
  const rest = possible.filter((byte) => !isPunctuation(byte));
  const delimiter = [0x3a, ...possible.filter(isPunctuation), ...rest].find(
    (byte) => !texts.some((text) => text.includes(byte)),
  );
  if (delimiter !== undefined) return delimiter;
  const hint = 'choose an interpreter path with fewer different special characters';
  throw new BinfmtctlError('BAD_RULE', `no byte is left as delimiter for ${JSON.stringify(name)}`, { hint });
}

const isAlphanumeric = (byte: number): boolean => /[0-9A-Za-z]/.test(String.fromCharCode(byte));

/** Every field after a delimiter; the flags, the last one, end the string. */
const join = (fields: readonly Uint8Array[], delimiter: number): Uint8Array =>
  Uint8Array.from(fields.flatMap((field) => [delimiter, ...field]));

function refuse(reason: string): never {
  throw new BinfmtctlError('BAD_RULE', reason);
}
