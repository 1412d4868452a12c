/**
 * The flags of a rule: P preserves argv[0], O opens the binary, C uses the binary's credentials, F fixes the
 * interpreter; since Linux 7.3, T is transparent (argv and /proc/self/exe are the binary's), L substitutes the binary's
 * program interpreter.
 */
import type { Flag } from './types.ts';

/** In the kernel's order (fs/binfmt_misc.c misc_flags). */
export const FLAGS: readonly Flag[] = ['P', 'O', 'C', 'F', 'T', 'L'];

/** Flags that Linux 7.3 added. */
export const LINUX73_FLAGS: readonly Flag[] = ['T', 'L'];

/** Flag letter that registers an entry as disabled (Linux 7.3); not a property of the rule. */
export const REGISTER_DISABLED = 'D';

export const isFlag = (letter: string): letter is Flag => FLAGS.some((flag) => flag === letter);

/** Sorts and deduplicates flags in the kernel's order. C and T imply O, as in check_special_flags(). */
export function normaliseFlags(flags: Iterable<Flag>): readonly Flag[] {
  const given = new Set(flags);
  if (given.has('C') || given.has('T')) given.add('O');
  return FLAGS.filter((flag) => given.has(flag));
}

/** Parses flag letters in any order, with repetitions; null for unknown letters. */
export function parseFlags(letters: string): readonly Flag[] | null {
  const flags = [...letters];
  return flags.every(isFlag) ? normaliseFlags(flags) : null;
}

export const formatFlags = (flags: Iterable<Flag>): string => normaliseFlags(flags).join('');

/** Why the kernel rejects this combination; null if Linux 7.3 accepts it (fs/binfmt_misc.c create_entry()). */
export function conflictOf(flags: readonly Flag[]): string | null {
  const has = (flag: Flag) => flags.includes(flag);
  if (has('T') && has('P')) return 'flags T and P are mutually exclusive';
  if (has('L') && (has('T') || has('P') || has('O') || has('C'))) return 'flag L can only be combined with F';
  return null;
}

/** The problem of flag letters; null if they are valid. */
export function flagsProblem(letters: string): string | null {
  const flags = parseFlags(letters);
  return flags === null ? `must consist of the letters ${FLAGS.join('')}` : conflictOf(flags);
}

/**
 * True if Linux 7.3 requires an absolute interpreter: without F, a relative path would be resolved from the current
 * directory of the process that runs the binary.
 */
export const needsAbsolute = (flags: readonly Flag[]): boolean =>
  (flags.includes('C') || flags.includes('L')) && !flags.includes('F');
