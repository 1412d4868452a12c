import { covers } from '../rule/algebra.ts';
import type { Entry, Pattern } from '../rule/types.ts';
import { createPatternIndex } from './pattern-index.ts';

/**
 * Finds the enabled entries that a new rule would hide, since the kernel tries the newest entry first: those that match
 * all files of the rule, and those whose files the rule matches completely. Ignores pairs of magic and extension,
 * because a file of any content can have any name.
 */
export function hiddenEntries(entries: readonly Entry[]): (pattern: Pattern) => readonly Entry[] {
  const enabled = entries.filter((entry) => entry.enabled);
  const index = createPatternIndex(enabled, (entry) => entry.pattern);
  return (pattern) =>
    index
      .near(pattern)
      .filter(
        (entry) =>
          entry.pattern.type === pattern.type &&
          (covers(pattern, entry.pattern) || covers(entry.pattern, pattern)),
      );
}
