import type { Entry } from '../rule/types.ts';

/** Facts about an entry's surroundings that need no program to run. */
export interface EntryFacts {
  /** Whether binfmt_misc as a whole is enabled. */
  readonly instanceEnabled: boolean | null;
  /** Whether the interpreter exists on this file system. */
  readonly interpreterExists: boolean;
  /** A newer enabled entry that matches all files of this one. */
  readonly shadowedBy: string | null;
}

export const INSTANCE_DISABLED = 'binfmt_misc is disabled: no entry takes effect';

/** Why an entry cannot run programs, as far as that is known without running one; null if no problem is found. */
export function entryProblem(
  { name, enabled, flags, interpreter }: Entry,
  { instanceEnabled, interpreterExists, shadowedBy }: EntryFacts,
): string | null {
  if (instanceEnabled === false) return INSTANCE_DISABLED;
  if (!enabled) return `entry ${name} is disabled`;
  if (shadowedBy !== null) return `never reached: entry ${shadowedBy} is newer`;
  // With F, the kernel holds the file that it opened at registration.
  if (!flags.includes('F') && !interpreterExists) return `${interpreter} is missing`;
  return null;
}
