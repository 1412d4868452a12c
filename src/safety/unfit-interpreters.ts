import type { Context } from '../context.ts';
import { findInterpreterProblem, type InterpreterProblem } from '../emulators/interpreter.ts';
import { BinfmtctlError } from '../errors.ts';
import type { Rule } from '../rule/types.ts';

/**
 * Finds the rules with flag C or F whose interpreter is unsafe, each with its UNSAFE_RULE. With C, programs run with
 * the rights of their owners; with F, the file is used in all containers. Warns about other rules with such an
 * interpreter.
 *
 * @param kernelRefuses skips files that cannot run if the rule has F: the kernel refuses them with an errno, which
 * drop-ins report
 */
export function findUnfitInterpreters(
  rules: readonly Rule[],
  { report }: Pick<Context, 'report'>,
  { kernelRefuses = false }: { readonly kernelRefuses?: boolean } = {},
): ReadonlyMap<Rule, BinfmtctlError> {
  const unfit = new Map<Rule, BinfmtctlError>();
  const problems = new Map<string, InterpreterProblem | null>();
  for (const { interpreter } of rules)
    if (!problems.has(interpreter)) problems.set(interpreter, findInterpreterProblem(interpreter));
  for (const rule of rules) {
    const problem = problems.get(rule.interpreter) ?? null;
    if (problem === null) continue;
    const flags = rule.flags.filter((flag) => flag === 'C' || flag === 'F');
    if (kernelRefuses && problem.kind === 'file' && flags.includes('F')) continue;
    if (flags.length === 0) report({ kind: 'warning', text: `rule ${rule.name}: ${problem.why}` });
    else unfit.set(rule, refusal(rule.name, problem, flags));
  }
  return unfit;
}

function refusal(name: string, { kind, why }: InterpreterProblem, flags: readonly string[]): BinfmtctlError {
  const has = flags.length === 1 ? `flag ${flags[0]}` : `flags ${flags.join(' and ')}`;
  return new BinfmtctlError('UNSAFE_RULE', `cannot register ${name} with ${has}: ${why}`, {
    hint: kind === 'file' ? HINT_FOR_FILE : HINT_FOR_TRUST,
  });
}

const HINT_FOR_FILE = 'use the absolute path of an executable program';
const HINT_FOR_TRUST =
  'use a program that is not set-user-ID, in a path where only root can change the program and its directories';
