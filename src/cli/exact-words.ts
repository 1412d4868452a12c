import { readFileSync } from 'node:fs';
import { decodeText } from '../rule/text.ts';

/** Words of our command line as they were given: Node replaces bytes that are no UTF-8. */
export function exactWords(words: readonly string[]): readonly string[] {
  if (!words.some((word) => word.includes('\ufffd'))) return words;
  const all = decodeText(readFileSync('/proc/self/cmdline')).split('\0').slice(0, -1);
  return all.slice(all.length - words.length);
}
