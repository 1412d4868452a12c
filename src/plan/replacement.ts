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

/** The steps that put `rule` in the place of `entry` without a gap, and only once the kernel has taken it. */
export function replacement(entry: Entry, rule: Rule): Replacement {
  const isLong = encodeText(`${rule.name}.staged`).length > MAX_NAME_SIZE;
  const staged: Rule = { ...rule, name: `${isLong ? 'binfmtctl' : rule.name}.staged` };
  return {
    staged: staged.name,
    stage: [{ kind: 'register', rule: staged }],
    swap: [
      { kind: 'unregister', entry },
      { kind: 'register', rule },
      { kind: 'unregister', entry: { ...staged, enabled: true } },
    ],
  };
}
