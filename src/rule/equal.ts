import { equalPatterns } from './algebra.ts';
import { formatFlags } from './flags.ts';
import { type AnyRule, type BpfRule, isBpf } from './types.ts';

/** Whether two rules do the same: pattern, interpreter and flags (C brings O with it); the name is left out. */
export function equalRules(a: AnyRule, b: AnyRule): boolean {
  if (isBpf(a) || isBpf(b)) return isBpf(a) && isBpf(b) && equalBpf(a, b);
  return (
    a.interpreter === b.interpreter &&
    formatFlags(a.flags) === formatFlags(b.flags) &&
    equalPatterns(a.pattern, b.pattern)
  );
}

/** The order of binding does not count: the program chooses by name. */
const equalBpf = (a: BpfRule, b: BpfRule): boolean =>
  a.handler === b.handler &&
  a.interpreters.length === b.interpreters.length &&
  a.interpreters.every(({ name, path }) => b.interpreters.some((o) => o.name === name && o.path === path));
