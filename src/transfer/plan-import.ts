import type { Entry, Rule } from '../rule/types.ts';
import { lastOfEachName, rulePlanner } from '../state/plan-rules.ts';
import { replacement } from '../state/replacement.ts';
import type { Step } from '../state/steps.ts';

/** A rule and the desired state of its entry. */
export interface ImportedRule {
  readonly rule: Rule;
  readonly enabled: boolean;
}

export interface ImportPlan {
  readonly steps: readonly Step[];
  /** Names of entries that exist already. */
  readonly unchanged: readonly string[];
  /** Entries that the steps replace. */
  readonly replaced: readonly Entry[];
}

/**
 * The steps that register the rules. Where a file can match two rules, the kernel tries the later one first. Of several rules
 * with one name, only the last is registered. `entries` are newest first.
 */
export function planImport(entries: readonly Entry[], imported: readonly ImportedRule[]): ImportPlan {
  const isEnabled = new Map(imported.map(({ rule, enabled }) => [rule, enabled]));
  const planner = rulePlanner(entries);
  const steps: Step[] = [];
  const unchanged: string[] = [];
  const replaced: Entry[] = [];
  for (const rule of lastOfEachName(imported.map((each) => each.rule))) {
    const enabled = isEnabled.get(rule) === true;
    const change = planner.plan(rule, { enabled });
    planner.place(rule, change);
    const { entry, keep } = change;
    if (keep) {
      unchanged.push(rule.name);
      continue;
    }
    if (entry === null) steps.push({ kind: 'register', rule });
    else {
      const { stage, swap } = replacement(entry, rule, entries);
      steps.push(...stage, ...swap);
      replaced.push(entry);
    }
    if (!enabled) steps.push({ kind: 'disable', entry: { ...rule, enabled: true } });
  }
  return { steps, unchanged, replaced };
}
