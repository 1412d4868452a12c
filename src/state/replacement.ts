import { overlap } from '../rule/algebra.ts';
import { MAX_NAME_SIZE } from '../rule/check.ts';
import { encodeText } from '../rule/text.ts';
import type { Entry, Rule } from '../rule/types.ts';
import type { Step } from './steps.ts';

export interface Replacement {
  /** The name under which the new rule is registered first. */
  readonly staged: string;
  /** Registers the new rule under that name. It is then the newest entry, so the kernel uses it. */
  readonly stage: readonly Step[];
  /** Removes the old entry and gives its name to the new rule. */
  readonly swap: readonly Step[];
}

/**
 * The steps that replace `entry` by `rule` without a gap: the old entry goes only after the kernel has accepted the rule. They also
 * remove leftovers of a killed replacement from `entries`.
 */
export function replacement(entry: Entry, rule: Rule, entries: readonly Entry[]): Replacement {
  const isLong = encodeText(`${rule.name}.staged00`).length > MAX_NAME_SIZE;
  const base = `${isLong ? 'binfmtctl' : rule.name}.staged`;
  const taken = entries.filter(({ name }) => name.startsWith(base) && /^\d*$/.test(name.slice(base.length)));
  const isFree = (name: string): boolean => taken.every((other) => other.name !== name);
  const free = [base, ...taken.map((_, index) => `${base}${index + 2}`)].find(isFree) ?? base;
  const staged: Rule = { ...rule, name: free };
  const leftovers = taken.filter(({ pattern }) => overlap(pattern, rule.pattern));
  return {
    staged: staged.name,
    stage: [{ kind: 'register', rule: staged }],
    swap: [
      { kind: 'unregister', entry },
      { kind: 'register', rule },
      { kind: 'unregister', entry: { ...staged, enabled: true } },
      ...leftovers.map((each): Step => ({ kind: 'unregister', entry: each })),
    ],
  };
}
