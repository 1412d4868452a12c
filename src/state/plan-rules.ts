import { overlap } from '../rule/algebra.ts';
import { equalRules } from '../rule/equal.ts';
import type { Entry, Rule } from '../rule/types.ts';

/** What becomes of a wanted rule: its entry stays, or it is registered, in the place of `entry` where there is one. */
export interface Change {
  readonly entry: Entry | null;
  readonly keep: boolean;
}

/** Of rules with one name the last: each would replace the one before it. */
export function lastOfEachName(rules: readonly Rule[]): readonly Rule[] {
  const last = new Map(rules.map((rule) => [rule.name, rule]));
  return rules.filter((rule) => last.get(rule.name) === rule);
}

/**
 * Plans rules, each of which comes after those planned before it, and so before them in the kernel's order wherever a file can
 * match both. `entries` are those that were there at first, newest first. An entry stays where it is enabled (or, without
 * `enabled`, disabled), means the same, and is newer than what it has to come before.
 */
export function rulePlanner(entries: readonly Entry[]): RulePlanner {
  const ages = new Map(entries.map(({ name }, index) => [name, index]));
  const placed: { readonly rule: Rule; readonly age: number }[] = [];
  // Where all entries stay in order, none has to be compared with those before it.
  let newest = Number.POSITIVE_INFINITY;
  const plan = (rule: Rule, { enabled = true }: { readonly enabled?: boolean } = {}): Change => {
    const index = ages.get(rule.name) ?? -1;
    const entry = entries[index] ?? null;
    const isSame = entry?.enabled === enabled && entry.extra === undefined && equalRules(entry, rule);
    const isInOrder = (): boolean =>
      newest > index ||
      placed.every((other) => other.age > index || !overlap(other.rule.pattern, rule.pattern));
    return { entry, keep: isSame && isInOrder() };
  };
  const place = (rule: Rule, { keep }: Change): void => {
    // What is registered now is newer than all that was there.
    const age = keep ? (ages.get(rule.name) ?? -1) : -1;
    placed.push({ rule, age });
    newest = Math.min(newest, age);
  };
  return { plan, place };
}

export interface RulePlanner {
  /** What becomes of the next rule. */
  readonly plan: (rule: Rule, state?: { readonly enabled?: boolean }) => Change;
  /** To be called once a rule has its entry. */
  readonly place: (rule: Rule, change: Change) => void;
}
