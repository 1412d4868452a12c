/** The flags of a rule: P preserve argv[0], O open the binary, C credentials of the binary, F fix the interpreter. */
import type { Flag } from './types.ts';

/** In the kernel's order (fs/binfmt_misc.c entry_status()). */
export const FLAGS: readonly Flag[] = ['P', 'O', 'C', 'F'];

/** Flags of Linux 7.3, which a rule does not hold: T transparent, L loader substitution, D register disabled. */
export type LaterFlag = 'T' | 'L' | 'D';

export const LATER_FLAGS: readonly LaterFlag[] = ['T', 'L', 'D'];

export const isFlag = (letter: string): letter is Flag => FLAGS.some((flag) => flag === letter);

/** Each once, in the kernel's order, and O with C as check_special_flags() adds it. */
export function normaliseFlags(flags: Iterable<Flag>): readonly Flag[] {
  const given = new Set(flags);
  if (given.has('C')) given.add('O');
  return FLAGS.filter((flag) => given.has(flag));
}

/** Letters in any order, repeated or not, as people and the register string have them; null for any other letter. */
export function parseFlags(letters: string): readonly Flag[] | null {
  const flags = [...letters];
  return flags.every(isFlag) ? normaliseFlags(flags) : null;
}

export const formatFlags = (flags: Iterable<Flag>): string => normaliseFlags(flags).join('');
