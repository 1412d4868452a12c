import { overlap } from '../rule/algebra.ts';
import { MAX_NAME_SIZE } from '../rule/check.ts';
import { encodeText } from '../rule/text.ts';
import type { Entry, Rule } from '../rule/types.ts';
import type { Step } from './steps.ts';

export interface Replacement {
  /** The name under which the new rule is registered first. */
  readonly staged: string;
  /** Brings the new rule, which is the newest entry then and so the one that runs. */
  readonly stage: readonly Step[];
  /** Takes the old entry away, and gives the new rule its name. */
  readonly swap: readonly Step[];
}

/**
 * The steps that put `rule` in the place of `entry` without a gap, and only once the kernel has taken it. Of `entries`, those that a
 * killed replacement of that entry has left go as well.
 */
export function replacement(entry: Entry, rule: Rule, entries: readonly Entry[]): Replacement {
  const isLong = encodeText(`${rule.name}.staged00`).length > MAX_NAME_SIZE;
  const base = `${isLong ? 'binfmtctl' : rule.name}.staged`;
  const taken = entries.filter(({ name }) => name.startsWith(base) && /^\d*$/.test(name.slice(base.length)));
  const isFree = (name: string): boolean => taken.every((other) => other.name !== name);
  const free = [base, ...taken.map((_, index) => `${base}${index + 2}`)].find(isFree) ?? base;
  const staged: Rule = { ...rule, name: free };
  const left = taken.filter(({ pattern }) => overlap(pattern, rule.pattern));
  return {
    staged: staged.name,
    stage: [{ kind: 'register', rule: staged }],
    swap: [
      { kind: 'unregister', entry },
      { kind: 'register', rule },
      { kind: 'unregister', entry: { ...staged, enabled: true } },
      ...left.map((each): Step => ({ kind: 'unregister', entry: each })),
    ],
  };
}
