import { equalPatterns } from './algebra.ts';
import { formatFlags } from './flags.ts';
import { type AnyRule, type BpfRule, isBpf } from './types.ts';

/** True if two rules have the same effect: same pattern, interpreter and flags (C implies O). Ignores the name. */
export function equalRules(a: AnyRule, b: AnyRule): boolean {
  if (isBpf(a) || isBpf(b)) return isBpf(a) && isBpf(b) && equalBpf(a, b);
  return (
    a.interpreter === b.interpreter &&
    formatFlags(a.flags) === formatFlags(b.flags) &&
    equalPatterns(a.pattern, b.pattern)
  );
}

/** Ignores the order of binding: the program chooses by name. */
const equalBpf = (a: BpfRule, b: BpfRule): boolean =>
  a.handler === b.handler &&
  a.interpreters.length === b.interpreters.length &&
  a.interpreters.every(({ name, path }) => b.interpreters.some((o) => o.name === name && o.path === path));
