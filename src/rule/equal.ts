import { equalPatterns } from './algebra.ts';
import type { Rule } from './types.ts';

/** Whether two rules do the same: pattern, interpreter and flags (C brings O with it); the name is left out. */
export function equalRules(a: Rule, b: Rule): boolean {
  return (
    a.interpreter === b.interpreter &&
    flagText(a) === flagText(b) &&
    a.pattern.type === b.pattern.type &&
    equalPatterns(a.pattern, b.pattern)
  );
}

function flagText({ flags }: Rule): string {
  const all = flags.includes('C') ? [...flags, 'O'] : flags;
  return [...new Set(all)].sort().join('');
}
