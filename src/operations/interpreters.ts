/** Rules whose interpreter other users can change, or the kernel cannot execute. */
import { type FileProblem, findFileProblem, findTrustProblem } from '../emulators/interpreter.ts';
import { BinfmtctlError } from '../errors.ts';
import { type AnyRule, isBpf, type Rule } from '../rule/types.ts';
import { isMachineRoot, type Weakness } from '../system/trust.ts';
import type { Context } from './context.ts';

/** A problem with the interpreter of a rule. */
export interface InterpreterProblem {
  /** `untrusted`: other users can change what runs. The others: the kernel cannot execute it. */
  readonly kind: 'untrusted' | FileProblem['kind'];
  /** Whether the rule has flag C or F, which give the interpreter rights that its own path does not. */
  readonly isPrivileged: boolean;
  /** `rule x: its interpreter /x is a directory`. */
  readonly message: string;
  /** As `message`, for a rule that is refused for its flags. */
  readonly refusal: string;
}

/**
 * The rules that have a problem. A file that the kernel cannot execute is none for a rule with flag F: the kernel then
 * refuses the rule itself (fs/binfmt_misc.c bm_register_write(), open_exec()).
 */
export function findInterpreterProblems(rules: readonly Rule[]): ReadonlyMap<Rule, InterpreterProblem> {
  return new Map(
    rules.flatMap((rule) => {
      const problem = problemOf(rule);
      return problem === null ? [] : [[rule, problem] as const];
    }),
  );
}

/** Whether other users would gain rights by the rule, because they can change what it runs. */
export const isUntrusted = (problem: InterpreterProblem | undefined): boolean =>
  problem?.kind === 'untrusted' && problem.isPrivileged;

/** @throws EMULATOR_UNFIT for rules with flag C or F that have a problem. Warns of the others. */
export function assertInterpreters(rules: readonly Rule[], { report }: Pick<Context, 'report'>): void {
  const problems = [...findInterpreterProblems(rules).values()];
  const refusals = problems.flatMap(({ isPrivileged, refusal }) => (isPrivileged ? [refusal] : []));
  if (refusals.length > 0) {
    throw new BinfmtctlError('EMULATOR_UNFIT', refusals.join('; '), {
      hint: 'use an executable file that only root can change, in a directory that only root can change; or remove flags C and F from the rule',
    });
  }
  for (const { message } of problems) report({ kind: 'warning', text: message });
}

/** The rules that `isUntrusted` is true of. Warns of these, and of all other problems but those of kind `announced`. */
export function findUntrusted(
  rules: readonly Rule[],
  { report }: Pick<Context, 'report'>,
  announced: readonly InterpreterProblem['kind'][] = [],
): ReadonlySet<Rule> {
  const problems = [...findInterpreterProblems(rules)];
  for (const [, problem] of problems) {
    if (announced.includes(problem.kind)) continue;
    const text = isUntrusted(problem) ? `${problem.refusal}; not registered` : problem.message;
    report({ kind: 'warning', text });
  }
  return new Set(problems.flatMap(([rule, problem]) => (isUntrusted(problem) ? [rule] : [])));
}

/** What flag C means on a machine with other users; null if no rule has it. */
export const credentialsNote = (rules: readonly AnyRule[]): string | null =>
  rules.some((rule) => !isBpf(rule) && rule.flags.includes('C')) ? CREDENTIALS_NOTE : null;

// Seen with QEMU 7.2: these two variables act on a set-user-ID program as on any other.
const CREDENTIALS_NOTE =
  "flag C: set-user-ID programs run with their owner's rights through the emulator; any local user may gain root with its variables, such as QEMU_LD_PREFIX";

function problemOf(rule: Rule): InterpreterProblem | null {
  const { name, interpreter, flags } = rule;
  const privileges = flags.filter((flag) => flag === 'C' || flag === 'F');
  const isPrivileged = privileges.length > 0;
  const file = findFileProblem(interpreter);
  if (file !== null && flags.includes('F')) return null;
  const weakness = isPrivileged || file === null ? findWeakness(interpreter) : null;
  if (weakness === null && file === null) return null;
  const fault = weakness === null ? `its interpreter ${interpreter} ${file?.why}` : describe(weakness, rule);
  return {
    kind: weakness === null ? (file?.kind ?? 'untrusted') : 'untrusted',
    isPrivileged,
    message: `rule ${name}: ${fault}`,
    refusal: `rule ${name} cannot have flag${pluralOf(privileges)} ${privileges.join(' and ')}: ${fault}`,
  };
}

/** An instance of a user's own gives its interpreters no rights that the user has not; a relative path is wrong everywhere. */
const findWeakness = (interpreter: string): Weakness | null =>
  isMachineRoot() || !interpreter.startsWith('/') ? findTrustProblem(interpreter) : null;

const describe = ({ path, why }: Weakness, { interpreter }: Rule): string =>
  path === interpreter
    ? `its interpreter ${path} ${why}`
    : `its interpreter ${interpreter} depends on ${path}, which ${why}`;

const pluralOf = (flags: readonly string[]): string => (flags.length > 1 ? 's' : '');
