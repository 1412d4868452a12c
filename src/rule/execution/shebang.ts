/** Parses the first line of a script as fs/binfmt_script.c load_script() does. */
import { HEAD_SIZE } from '../check.ts';
import { decodeText } from '../text.ts';

export interface Shebang {
  /** Empty if it starts with NUL: the kernel then opens the current directory (EACCES). */
  readonly interpreter: string;
  /** The rest of the line, including inner blanks; null if empty. */
  readonly argument: string | null;
}

const NEWLINE = 0x0a;

/**
 * Parses `head`, the first 256 bytes of a file; the kernel pads shorter files with NULs. Null if the kernel does not
 * treat it as a script: no `#!`, only blanks after it, or an interpreter that may be truncated.
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
  // A trailing blank at the end of a file without newline gives an empty argument.
  return { interpreter, argument: start > end ? null : textFrom(bytes, start, end) };
}

/** End of the line: a newline that is not preceded by NUL, otherwise the last byte of the head; null if truncated. */
function endOfLine(bytes: Uint8Array): number | null {
  const newline = bytes.indexOf(NEWLINE);
  const nul = bytes.indexOf(0);
  if (newline !== -1 && (nul === -1 || newline < nul)) return newline;
  const last = HEAD_SIZE - 1;
  const name = skipBlanks(bytes, 2, last);
  return name > last || findTerminator(bytes, name, last) > last ? null : last;
}

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;

/** Index of the first non-blank byte from `at` to `last` (inclusive); `last + 1` if there is none. */
function skipBlanks(bytes: Uint8Array, at: number, last: number): number {
  while (at <= last && isBlank(bytes[at])) at++;
  return at;
}

/** Index of the first blank or NUL from `at` to `last` (inclusive); `last + 1` if there is none. */
function findTerminator(bytes: Uint8Array, at: number, last: number): number {
  while (at <= last && !isBlank(bytes[at]) && bytes[at] !== 0) at++;
  return at;
}

/** The C string at `start`: ends at the first NUL or before `end`. */
function textFrom(bytes: Uint8Array, start: number, end: number): string {
  const field = bytes.subarray(start, end);
  const nul = field.indexOf(0);
  return decodeText(nul === -1 ? field : field.subarray(0, nul));
}
