/**
 * The flags of a rule: P preserve argv[0], O open the binary, C credentials of the binary, F fix the interpreter; since
 * Linux 7.3 T transparent (argv and /proc/self/exe are the binary's), L substitute the binary's program interpreter.
 */
import type { Flag } from './types.ts';

/** In the kernel's order (fs/binfmt_misc.c misc_flags). */
export const FLAGS: readonly Flag[] = ['P', 'O', 'C', 'F', 'T', 'L'];

/** Flags that Linux 7.3 added. */
export const LINUX73_FLAGS: readonly Flag[] = ['T', 'L'];

/** Flag letter that is no lasting property of a rule but a way to register it: disabled (Linux 7.3). */
export const REGISTER_DISABLED = 'D';

export const isFlag = (letter: string): letter is Flag => FLAGS.some((flag) => flag === letter);

/** Each once, in the kernel's order, and O with C and T as check_special_flags() adds it. */
export function normaliseFlags(flags: Iterable<Flag>): readonly Flag[] {
  const given = new Set(flags);
  if (given.has('C') || given.has('T')) given.add('O');
  return FLAGS.filter((flag) => given.has(flag));
}

/** Letters in any order, repeated or not, as people and the register string have them; null for any other letter. */
export function parseFlags(letters: string): readonly Flag[] | null {
  const flags = [...letters];
  return flags.every(isFlag) ? normaliseFlags(flags) : null;
}

export const formatFlags = (flags: Iterable<Flag>): string => normaliseFlags(flags).join('');

/** Why no kernel takes these together; null where Linux 7.3 does (fs/binfmt_misc.c create_entry()). */
export function conflictOf(flags: readonly Flag[]): string | null {
  const has = (flag: Flag) => flags.includes(flag);
  if (has('T') && has('P')) return 'flags T and P exclude each other';
  if (has('L') && (has('T') || has('P') || has('O') || has('C'))) return 'flag L goes with F alone';
  return null;
}

/** What is wrong with letters for a rule; null where nothing is. */
export function flagsProblem(letters: string): string | null {
  const flags = parseFlags(letters);
  return flags === null ? `must be letters of ${FLAGS.join('')}` : conflictOf(flags);
}

/**
 * Whether Linux 7.3 wants an absolute interpreter: without F a relative one would be looked up from wherever the
 * binary's user stands.
 */
export const needsAbsolute = (flags: readonly Flag[]): boolean =>
  (flags.includes('C') || flags.includes('L')) && !flags.includes('F');
