/**
 * Parses the fields of a register string in the order of fs/binfmt_misc.c create_entry(). Throws BAD_RULE where the
 * kernel returns EINVAL.
 */
import { BinfmtctlError } from '../errors.ts';
import { HEAD_SIZE, MAX_REGISTER_SIZE, MIN_REGISTER_SIZE } from './check.ts';
import { decodeEscaped, scanEscaped } from './escape.ts';
import {
  conflictOf,
  FLAGS,
  isFlag,
  LINUX73_FLAGS,
  needsAbsolute,
  normaliseFlags,
  REGISTER_DISABLED,
} from './flags.ts';
import { decodeText } from './text.ts';
import type { AnyRule, BpfRule, Flag, Pattern, Rule } from './types.ts';

/** A register string that the kernel accepts. */
export interface ParsedRegistration<R extends AnyRule = Rule> {
  readonly rule: R;
  /** Flag D (Linux 7.3): the entry starts disabled. */
  readonly disabled: boolean;
}

/** Which extensions of the register string to accept. */
export interface RegisterDialect {
  /** Parses as Linux 7.3 does. */
  readonly linux73?: boolean | undefined;
  /** Accepts type B, as a kernel with CONFIG_BINFMT_MISC_BPF does. */
  readonly bpf?: boolean | undefined;
}

/** create_entry() appends this many delimiters, so that every search for one ends. */
const PAD_SIZE = 8;
const NEWLINE = 0x0a;

/** Parses a string as Linux 6.18 does or, with `linux73`, as Linux 7.3. */
export function parseSyntax(
  bytes: Uint8Array,
  { linux73 = false, bpf = false }: RegisterDialect,
): ParsedRegistration<AnyRule> {
  if (bytes.length < MIN_REGISTER_SIZE || bytes.length > MAX_REGISTER_SIZE) {
    fail(`invalid size of ${bytes.length} bytes (allowed: ${MIN_REGISTER_SIZE} to ${MAX_REGISTER_SIZE})`);
  }
  const delimiter = bytes[0] ?? 0;
  const letters: readonly string[] = linux73
    ? [...FLAGS, REGISTER_DISABLED]
    : FLAGS.filter((flag) => !LINUX73_FLAGS.includes(flag));
  if (letters.includes(String.fromCharCode(delimiter))) fail('the delimiter is a flag letter');
  const cursor = { bytes: pad(bytes, delimiter), at: 1, delimiter };
  const name = takeText(cursor, 'name');
  if (name === '' || name === '.' || name === '..' || name.includes('/'))
    fail('the name is not a valid file name');
  const pattern = takePattern(cursor, { bpf: linux73 && bpf });
  const interpreter = takeText(cursor, 'interpreter');
  if (interpreter === '') fail('the interpreter is empty');
  // The appended delimiters cannot precede the flags, which must end where the input ends.
  const { flags, disabled } = takeFlags(cursor, letters, bytes.length);
  if (pattern === null) return { rule: bpfRule(name, interpreter, flags), disabled };
  if (linux73) requireLinux73(flags, interpreter);
  return { rule: { name, pattern, interpreter, flags }, disabled };
}

/** Type B has its handler in the interpreter field. */
function bpfRule(name: string, handler: string, flags: readonly Flag[]): BpfRule {
  if (flags.length > 0) fail('type B can only be combined with flag D');
  return { name, handler, interpreters: [], flags: [] };
}

interface Cursor {
  readonly bytes: Uint8Array;
  readonly delimiter: number;
  at: number;
}

/** Takes a field as strchr(3) finds it: a NUL hides the delimiters after it. */
function takeField(cursor: Cursor, what: string): Uint8Array {
  const end = cursor.bytes.indexOf(cursor.delimiter, cursor.at);
  const field = cursor.bytes.subarray(cursor.at, end);
  if (end === -1 || field.includes(0)) fail(`no delimiter after the ${what}`);
  cursor.at = end + 1;
  return field;
}

const takeText = (cursor: Cursor, what: string): string => decodeText(takeField(cursor, what));

/** Null for type B. */
function takePattern(cursor: Cursor, { bpf }: { readonly bpf: boolean }): Pattern | null {
  const type = String.fromCharCode(cursor.bytes[cursor.at] ?? 0);
  if (type !== 'M' && type !== 'E' && !(bpf && type === 'B')) fail('the type is not M or E');
  if (cursor.bytes[cursor.at + 1] !== cursor.delimiter) fail('no delimiter after the type');
  cursor.at += 2;
  if (type === 'B') return takeNothing(cursor);
  return type === 'M' ? takeMagic(cursor) : takeExtension(cursor);
}

/** Takes offset, magic and mask, which must be empty: parse_bpf_fields(). */
function takeNothing(cursor: Cursor): null {
  const end = cursor.at + 3;
  for (; cursor.at < end; cursor.at++) {
    if (cursor.bytes[cursor.at] !== cursor.delimiter) fail('type B must not have an offset, magic or mask');
  }
  return null;
}

function takeMagic(cursor: Cursor): Pattern {
  const offset = parseOffset(takeText(cursor, 'offset'));
  const magic = takeEscaped(cursor, 'magic');
  const mask = takeEscaped(cursor, 'mask');
  if (magic === null) fail('the magic is empty or begins with a raw NUL');
  if (mask !== null && mask.length !== magic.length) {
    fail(`the mask has ${mask.length} bytes, the magic ${magic.length}`);
  }
  if (offset + magic.length > HEAD_SIZE) fail(`the magic ends after byte ${HEAD_SIZE} of the file`);
  return { type: 'magic', offset, magic, mask };
}

/** Null for a field that is empty or begins with a raw NUL. */
function takeEscaped(cursor: Cursor, what: string): Uint8Array | null {
  const end = scanEscaped(cursor.bytes, cursor.at, cursor.delimiter);
  if (end === null) fail(`broken \\x escape in the ${what}`);
  const field = decodeEscaped(cursor.bytes.subarray(cursor.at, end));
  cursor.at = end + 1;
  return field.length === 0 ? null : field;
}

/**
 * Parses like kstrtoint() with base 10. Values beyond the range of int are rejected anyway, as they exceed the head.
 */
function parseOffset(text: string): number {
  if (text === '') return 0;
  if (!/^[+-]?[0-9]+\n?$/.test(text)) fail('the offset is not a decimal number');
  const offset = Number.parseInt(text, 10);
  if (offset < 0) fail('the offset is negative');
  return Math.abs(offset);
}

/** The kernel skips offset and mask without parsing them. */
function takeExtension(cursor: Cursor): Pattern {
  takeField(cursor, 'offset');
  const extension = takeText(cursor, 'extension');
  takeField(cursor, 'mask');
  if (extension === '' || extension.includes('/')) fail('the extension is empty or contains a slash');
  return { type: 'extension', extension };
}

/** Takes flag letters, an optional newline, and the end of the input, which has `size` bytes. */
function takeFlags(cursor: Cursor, letters: readonly string[], size: number): FoundFlags {
  const found: string[] = [];
  const letter = () => String.fromCharCode(cursor.bytes[cursor.at] ?? 0);
  for (; letters.includes(letter()); cursor.at++) found.push(letter());
  if (cursor.bytes[cursor.at] === NEWLINE) cursor.at++;
  if (cursor.at !== size) fail('unexpected text after the flags, or missing delimiter before them');
  return { flags: normaliseFlags(found.filter(isFlag)), disabled: found.includes(REGISTER_DISABLED) };
}

interface FoundFlags {
  readonly flags: readonly Flag[];
  readonly disabled: boolean;
}

/** Additional checks of Linux 7.3. */
function requireLinux73(flags: readonly Flag[], interpreter: string): void {
  const conflict = conflictOf(flags);
  if (conflict !== null) fail(conflict);
  if (needsAbsolute(flags) && !interpreter.startsWith('/')) {
    fail('flags C and L without F require an absolute interpreter');
  }
}

function pad(bytes: Uint8Array, delimiter: number): Uint8Array {
  const padded = new Uint8Array(bytes.length + PAD_SIZE).fill(delimiter);
  padded.set(bytes);
  return padded;
}

function fail(reason: string): never {
  throw new BinfmtctlError('BAD_RULE', reason);
}
