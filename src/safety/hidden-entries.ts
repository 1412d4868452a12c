import { covers } from '../rule/algebra.ts';
import type { Entry, Pattern } from '../rule/types.ts';

/**
 * The enabled entries that lose files to a new rule, which the kernel asks first: those that take all files of the rule, and
 * those of whose files the rule takes all. A file of any content can have any name, so that a magic and an extension do not count.
 */
export function hiddenEntries(pattern: Pattern, entries: readonly Entry[]): readonly Entry[] {
  return entries.filter(
    (entry) =>
      entry.enabled &&
      entry.pattern.type === pattern.type &&
      (covers(pattern, entry.pattern) || covers(entry.pattern, pattern)),
  );
}
