import { findInterpreterProblem } from '../emulators/interpreter.ts';
import { BinfmtctlError } from '../errors.ts';
import type { Rule } from '../rule/types.ts';
import type { Context } from './context.ts';

/**
 * The rules with flag C or F whose interpreter must not be registered, each with the UNSAFE_RULE that says why. With C, programs run
 * with the rights of their owners; with F, the file serves all containers. Reports a warning for other rules.
 */
export function findUnfitInterpreters(
  rules: readonly Rule[],
  { report }: Pick<Context, 'report'>,
): ReadonlyMap<Rule, BinfmtctlError> {
  const unfit = new Map<Rule, BinfmtctlError>();
  for (const rule of rules) {
    const problem = findInterpreterProblem(rule.interpreter);
    if (problem === null) continue;
    const flags = rule.flags.filter((flag) => flag === 'C' || flag === 'F');
    // The kernel opens it at registration and refuses it itself.
    if (problem.kind === 'file' && flags.includes('F')) continue;
    if (flags.length === 0) report({ kind: 'warning', text: `rule ${rule.name}: ${problem.why}` });
    else unfit.set(rule, refusal(rule.name, problem.why, flags));
  }
  return unfit;
}

function refusal(name: string, why: string, flags: readonly string[]): BinfmtctlError {
  const has = flags.length === 1 ? `flag ${flags[0]}` : `flags ${flags.join(' and ')}`;
  return new BinfmtctlError('UNSAFE_RULE', `cannot register ${name} with ${has}: ${why}`, {
    hint: 'name a program that only root can change, in a directory that only root can change',
  });
}
