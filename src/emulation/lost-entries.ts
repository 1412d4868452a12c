/** A private instance hides the existing entries. Most can be copied into it; the others are lost inside. */

import { covers } from '../rule/algebra.ts';
import type { Entry, Rule } from '../rule/types.ts';
import { isExecutable } from '../system/file/is-file.ts';
import { resolveInRoot } from '../system/file/root-path.ts';

/** Whether an entry can be copied: if only the kernel still holds its interpreter, there is no path to register. */
export function isCopyable(entry: Entry): boolean {
  if (entry.extra !== undefined) return false;
  return !entry.flags.includes('F') || isExecutable(entry.interpreter);
}

/** Whether one of the rules matches all programs of an entry. */
export const isReplaced = ({ name, pattern }: Entry, rules: readonly Rule[]): boolean =>
  rules.some((rule) => rule.name === name || covers(rule.pattern, pattern));

/** The rules, and copies of the entries that can be copied. */
export function withEntries(rules: readonly Rule[], entries: readonly Entry[]): readonly Rule[] {
  const names = rules.map(({ name }) => name);
  return [...rules, ...entries.filter((entry) => isCopyable(entry) && !names.includes(entry.name))];
}

/** Whether an entry can run programs in a root: the kernel holds its interpreter open, or the root has it at the same path. */
export function worksInRoot({ flags, interpreter }: Entry, root: string | null): boolean {
  if (flags.includes('F')) return true;
  const path = root === null ? interpreter : resolveInRoot(root, interpreter);
  return path !== null && isExecutable(path);
}
