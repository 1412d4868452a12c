import { overlap } from '../rule/algebra.ts';
import { equalRules } from '../rule/equal.ts';
import type { Entry, Rule } from '../rule/types.ts';

/** How a desired rule is reached: `keep` leaves its entry; otherwise the rule is registered and replaces `entry`, if there is one. */
export interface RuleChange {
  readonly entry: Entry | null;
  readonly keep: boolean;
}

/** The last rule of each name: a later rule replaces an earlier one of the same name. */
export function lastOfEachName(rules: readonly Rule[]): readonly Rule[] {
  const last = new Map(rules.map((rule) => [rule.name, rule]));
  return rules.filter((rule) => last.get(rule.name) === rule);
}

/**
 * Plans rules one by one. Where a file can match two of them, the kernel must try the later one first. `entries` are the
 * entries before the change, newest first. An entry is kept if it equals the rule, has the desired `enabled` state and is newer
 * than every entry that it must precede.
 */
export function rulePlanner(entries: readonly Entry[]): RulePlanner {
  const ages = new Map(entries.map(({ name }, index) => [name, index]));
  const placed: { readonly rule: Rule; readonly age: number }[] = [];
  // While all entries are kept in order, no patterns need to be compared.
  let newest = Number.POSITIVE_INFINITY;
  const plan = (rule: Rule, { enabled = true }: { readonly enabled?: boolean } = {}): RuleChange => {
    const index = ages.get(rule.name) ?? -1;
    const entry = entries[index] ?? null;
    const isSame = entry?.enabled === enabled && entry.extra === undefined && equalRules(entry, rule);
    const isInOrder = (): boolean =>
      newest > index ||
      placed.every((other) => other.age > index || !overlap(other.rule.pattern, rule.pattern));
    return { entry, keep: isSame && isInOrder() };
  };
  const place = (rule: Rule, { keep }: RuleChange): void => {
    // A new registration is newer than all existing entries.
    const age = keep ? (ages.get(rule.name) ?? -1) : -1;
    placed.push({ rule, age });
    newest = Math.min(newest, age);
  };
  return { plan, place };
}

export interface RulePlanner {
  /** Plans the next rule. */
  readonly plan: (rule: Rule, state?: { readonly enabled?: boolean }) => RuleChange;
  /** Records that the rule now has its entry. */
  readonly place: (rule: Rule, change: RuleChange) => void;
}
