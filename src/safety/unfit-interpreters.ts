import type { Context } from '../context.ts';
import { findInterpreterProblem, type InterpreterProblem } from '../emulators/interpreter.ts';
import { BinfmtctlError } from '../errors.ts';
import type { Rule } from '../rule/types.ts';

/**
 * The rules with flag C or F whose interpreter must not be registered, each with the UNSAFE_RULE that says why. With C, programs run
 * with the rights of their owners; with F, the file serves all containers. Reports a warning for other rules.
 *
 * @param kernelRefuses leaves out files that cannot run, with F: the kernel refuses them itself, with an errno that a drop-in reports
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

const HINT_FOR_FILE = 'name an executable program by its absolute path';
const HINT_FOR_TRUST =
  'name a program that is not set-user-ID and that only root can change, as well as the directories on its path';
