import { covers } from '../rule/algebra.ts';
import type { Entry, Pattern } from '../rule/types.ts';
import { createPatternIndex } from './pattern-index.ts';

/**
 * Finds, for a new rule's pattern, the enabled ones of `entries` that lose files to the rule, which the kernel asks first: those that
 * take all files of the rule, and those of whose files the rule takes all. A file of any content can have any name, so that a
 * magic and an extension do not count.
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
