import type { Entry } from '../rule/types.ts';

/** What can be seen of an entry's surroundings without running a program. */
export interface EntryFacts {
  /** Whether binfmt_misc as a whole is enabled. */
  readonly instanceEnabled: boolean | null;
  /** Whether the interpreter exists on this file system. */
  readonly interpreterExists: boolean;
  /** A newer enabled entry that takes the same programs. */
  readonly shadowedBy: string | null;
}

export const INSTANCE_DISABLED = 'binfmt_misc is disabled: no entry takes effect';

/** Why an entry runs no programs, as far as that can be seen without running one; null if nothing is wrong. */
export function entryProblem(
  { name, enabled, flags, interpreter }: Entry,
  { instanceEnabled, interpreterExists, shadowedBy }: EntryFacts,
): string | null {
  if (instanceEnabled === false) return INSTANCE_DISABLED;
  if (!enabled) return `entry ${name} is disabled`;
  if (shadowedBy !== null) return `never reached: entry ${shadowedBy} is newer`;
  // With F the kernel holds the file that it opened at registration.
  if (!flags.includes('F') && !interpreterExists) return `${interpreter} is missing`;
  return null;
}
