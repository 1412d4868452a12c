import { equalPatterns } from './algebra.ts';
import { formatFlags } from './flags.ts';
import type { Rule } from './types.ts';

/** Whether two rules do the same: pattern, interpreter and flags (C brings O with it); the name is left out. */
export function equalRules(a: Rule, b: Rule): boolean {
  return (
    a.interpreter === b.interpreter &&
    formatFlags(a.flags) === formatFlags(b.flags) &&
    equalPatterns(a.pattern, b.pattern)
  );
}
