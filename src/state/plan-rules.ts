import { overlap } from '../rule/algebra.ts';
import { equalRules } from '../rule/equal.ts';
import type { Entry, Rule } from '../rule/types.ts';

/** A wanted rule that has its entry. */
export interface Placed {
  readonly rule: Rule;
  /** Place among the entries that were there at first, newest first; -1 for what was registered since. */
  readonly age: number;
}

/** What becomes of a wanted rule: its entry stays, or it is registered, in the place of `entry` where there is one. */
export interface Change {
  readonly entry: Entry | null;
  readonly keep: boolean;
  readonly placed: Placed;
}

/** Of rules with one name the last: each would replace the one before it. */
export const lastOfEachName = (rules: readonly Rule[]): readonly Rule[] =>
  rules.filter(({ name }, index) => rules.findLastIndex((rule) => rule.name === name) === index);

/**
 * The change for a rule that comes after those of `placed`, and so before them in the kernel's order wherever a file can
 * match both. `entries` are those that were there at first, newest first. An entry stays where it is enabled (or, without
 * `enabled`, disabled), means the same, and is newer than what it has to come before.
 */
export function planRule(
  entries: readonly Entry[],
  placed: readonly Placed[],
  rule: Rule,
  { enabled = true }: { readonly enabled?: boolean } = {},
): Change {
  const index = entries.findIndex(({ name }) => name === rule.name);
  const entry = entries[index] ?? null;
  const behind = placed.filter((other) => overlap(other.rule.pattern, rule.pattern));
  const inOrder = behind.every(({ age }) => age > index);
  const isSame = entry?.enabled === enabled && entry.extra === undefined && equalRules(entry, rule);
  const keep = isSame && inOrder;
  return { entry, keep, placed: { rule, age: keep ? index : -1 } };
}
