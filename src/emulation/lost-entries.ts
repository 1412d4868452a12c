/** A private instance hides the machine's entries. Most can be registered in it once more; the others are lost inside. */

import { covers } from '../rule/algebra.ts';
import type { Entry, Rule } from '../rule/types.ts';
import { isExecutable } from '../system/file/is-file.ts';
import { resolveInRoot } from '../system/file/root-path.ts';

/** Whether an entry can be registered once more: an interpreter that only the kernel still holds has no path. */
export function isCopyable(entry: Entry): boolean {
  if (entry.extra !== undefined) return false;
  return !entry.flags.includes('F') || isExecutable(entry.interpreter);
}

/** Whether one of the rules takes all programs of an entry. */
export const isReplaced = ({ name, pattern }: Entry, rules: readonly Rule[]): boolean =>
  rules.some((rule) => rule.name === name || covers(rule.pattern, pattern));

/** Our rules, and the entries that can be registered once more beside them. */
export function withEntries(rules: readonly Rule[], entries: readonly Entry[]): readonly Rule[] {
  const names = rules.map(({ name }) => name);
  return [...rules, ...entries.filter((entry) => isCopyable(entry) && !names.includes(entry.name))];
}

/** Whether an entry can run programs in a root: its interpreter was opened when it was made, or is there by the same path. */
export function worksInRoot({ flags, interpreter }: Entry, root: string | null): boolean {
  if (flags.includes('F')) return true;
  const path = root === null ? interpreter : resolveInRoot(root, interpreter);
  return path !== null && isExecutable(path);
}
