/** The first line of a script, as fs/binfmt_script.c load_script() reads it. */
import { HEAD_SIZE } from '../check.ts';
import { decodeText } from '../text.ts';

export interface Shebang {
  /** Empty where a NUL stands in its place: the kernel then opens the current directory (EACCES). */
  readonly interpreter: string;
  /** All that follows on the line, inner blanks included; null where nothing does. */
  readonly argument: string | null;
}

const NEWLINE = 0x0a;

/**
 * `head` is the first 256 bytes of a file, or all where it is shorter; the kernel fills it up with NULs. Null where the
 * kernel takes it for no script: no `#!`, nothing but blanks after it, or an interpreter that may be cut off.
 */
export function parseShebang(head: Uint8Array): Shebang | null {
  if (head[0] !== 0x23 || head[1] !== 0x21) return null;
  const bytes = new Uint8Array(HEAD_SIZE);
  bytes.set(head.subarray(0, HEAD_SIZE));
  const lineEnd = endOfLine(bytes);
  if (lineEnd === null) return null;
  let end = lineEnd;
  while (isBlank(bytes[end - 1])) end--;
  const name = skipBlanks(bytes, 2, end);
  if (name >= end) return null;
  const separator = findTerminator(bytes, name, end);
  const interpreter = textFrom(bytes, name, Math.min(separator, end));
  if (separator > end || !isBlank(bytes[separator])) return { interpreter, argument: null };
  const start = skipBlanks(bytes, separator, end);
  // A blank and then the NULs after a file without newline make an argument of no length.
  return { interpreter, argument: start > end ? null : textFrom(bytes, start, end) };
}

/** Where the line ends: at a newline that no NUL comes before, else at the head's last byte. */
function endOfLine(bytes: Uint8Array): number | null {
  const newline = bytes.indexOf(NEWLINE);
  const nul = bytes.indexOf(0);
  if (newline !== -1 && (nul === -1 || newline < nul)) return newline;
  const last = HEAD_SIZE - 1;
  const name = skipBlanks(bytes, 2, last);
  return name > last || findTerminator(bytes, name, last) > last ? null : last;
}

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;

/** The first byte from `at` to `last`, both included, that is no blank; behind `last` where there is none. */
function skipBlanks(bytes: Uint8Array, at: number, last: number): number {
  while (at <= last && isBlank(bytes[at])) at++;
  return at;
}

/** The first blank or NUL from `at` to `last`, both included; behind `last` where there is none. */
function findTerminator(bytes: Uint8Array, at: number, last: number): number {
  while (at <= last && !isBlank(bytes[at]) && bytes[at] !== 0) at++;
  return at;
}

/** A C string: up to the first NUL, and before `end`. */
function textFrom(bytes: Uint8Array, start: number, end: number): string {
  const field = bytes.subarray(start, end);
  const nul = field.indexOf(0);
  return decodeText(nul === -1 ? field : field.subarray(0, nul));
}
