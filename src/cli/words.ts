import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { BinfmtctlError } from '../errors.ts';
import { decodeText } from '../rule/text.ts';

/** The words of the command line as bytes in text: Node replaces bytes that are not UTF-8. */
export function exactWords(words: readonly string[]): readonly string[] {
  if (!words.some((word) => word.includes('\ufffd'))) return words;
  const all = decodeText(readFileSync('/proc/self/cmdline')).split('\0').slice(0, -1);
  return all.slice(all.length - words.length);
}

/** Refuses words that are not UTF-8: Node replaces their bytes, and a path would then name another file. @throws USAGE */
export function requireText(
  words: readonly string[],
  hint = 'use a path that is valid UTF-8, and name an entry as `binfmtctl status` shows it',
): void {
  if (!words.some((word) => word.includes('\ufffd')) || isUtf8(readFileSync('/proc/self/cmdline'))) return;
  throw new BinfmtctlError('USAGE', 'a word of the command line is not valid UTF-8', { hint });
}
