/**
 * The fields of a register string, taken one after the other as fs/binfmt_misc.c create_entry() takes them. What it
 * answers with EINVAL is a BAD_RULE here.
 */
import { BinfmtctlError } from '../errors.ts';
import { HEAD_SIZE, MAX_REGISTER_SIZE } from './check.ts';
import { decodeEscaped, scanEscaped } from './escape.ts';
import { FLAGS, isFlag, LATER_FLAGS, type LaterFlag, normaliseFlags } from './flags.ts';
import { decodeText } from './text.ts';
import type { Flag, Pattern, Rule } from './types.ts';

export interface Registration {
  readonly rule: Rule;
  /** Flags that a rule does not hold; empty unless read as Linux 7.3 does. */
  readonly later: readonly LaterFlag[];
}

const MIN_SIZE = 11;
/** Copies of the delimiter that create_entry() appends, so that a search for one always ends. */
const PAD_SIZE = 8;
const NEWLINE = 0x0a;

/** Reads a string as Linux 6.18 does or, with `linux73`, Linux 7.3 without BPF handlers. */
export function parseSyntax(bytes: Uint8Array, linux73: boolean): Registration {
  if (bytes.length < MIN_SIZE || bytes.length > MAX_REGISTER_SIZE) {
    refuse(`${bytes.length} bytes: ${MIN_SIZE} to ${MAX_REGISTER_SIZE} are possible`);
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

function pad(bytes: Uint8Array, delimiter: number): Uint8Array {
  const padded = new Uint8Array(bytes.length + PAD_SIZE).fill(delimiter);
  padded.set(bytes);
  return padded;
}

function refuse(reason: string): never {
  throw new BinfmtctlError('BAD_RULE', reason);
}
