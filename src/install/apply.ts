import type { CheckedInterpreters } from '../binfmt/checked-interpreters.ts';
import { findArch } from '../catalogue/resolve.ts';
import { type Context, describeArches, type Stage } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import type { Proof } from '../probe/verdict.ts';
import { journalOf } from '../state/repair.ts';
import { applyStep } from '../state/step.ts';
import { describe, type Step } from '../state/steps.ts';
import { transact } from '../state/transaction.ts';
import { verify } from '../verify/verify.ts';
import type { DesiredState } from './plan.ts';

/**
 * Applies steps as one transaction. Returns the last proof of each architecture.
 * With `checked`, the interpreters of new rules with flag F must be exactly those files.
 *
 * @throws NOT_PROVED if a probe fails; the errors of the steps. All steps are rolled back then.
 */
export async function applySteps(
  steps: readonly Step[],
  desired: readonly DesiredState[],
  context: Context,
  checked?: CheckedInterpreters,
): Promise<readonly Proof[]> {
  const proofs = new Map<string, Proof>();
  const arches = desired.length === 0 ? undefined : desired.map(({ arch }) => arch);
  await transact(steps, {
    apply: async (step) => {
      // An undo step registers a previous rule, whose file was not checked.
      if (step.kind !== 'prove') return applyStep(step, context, steps.includes(step) ? checked : undefined);
      context.report({
        kind: 'stage',
        stage: 'prove',
        text: `running probes of ${describeArches(step.arches.map(({ arch }) => arch))}`,
        arches: step.arches.map(({ arch }) => arch),
      });
      for (const proof of await prove(step, desired, context)) proofs.set(proof.arch, proof);
    },
    journal: journalOf(context),
    signal: context.signal,
    onStep: (step) => {
      if (step.kind !== 'prove')
        context.report({ kind: 'stage', stage: stageOf(step, desired), text: describe(step), arches });
    },
  });
  return [...proofs.values()];
}

/** What an installation removes makes room for what it registers. */
const stageOf = ({ kind }: Step, desired: readonly DesiredState[]): Stage =>
  desired.length === 0 && (kind === 'unregister' || kind === 'delete') ? 'remove' : 'register';

async function prove(
  { arches }: Extract<Step, { kind: 'prove' }>,
  desired: readonly DesiredState[],
  context: Context,
): Promise<readonly Proof[]> {
  const proofs = await verify(
    { arches: arches.map(({ arch }) => findArch(context.catalogue, arch)) },
    context,
  );
  const problems = arches.flatMap(({ arch, entry }) => {
    const proof = proofs.find((each) => each.arch === arch);
    if (proof?.entry !== entry)
      return [`${arch}: programs run through ${proof?.entry ?? 'no entry'}, not ${entry}`];
    if (proof.held === 'replaced' || proof.held === 'gone')
      return [`${arch}: entry ${entry} does not run the file at its interpreter's path`];
    const { outcome, reasons } = proof.verdict;
    const replaces = desired.some((each) => each.arch === arch && each.rule.name !== entry);
    // The old entry is removed only if its replacement is known to run programs.
    const isBlind = replaces && proof.host.holds === null;
    if (outcome !== 'fails' && !isBlind) return [];
    return reasons.map((each) => `${arch}: ${isBlind ? 'could not be checked ' : ''}${each}`);
  });
  if (problems.length === 0) return proofs;
  for (const { arch } of arches) {
    const why = problems
      .filter((each) => each.startsWith(`${arch}: `))
      .map((each) => each.slice(arch.length + 2));
    if (why.length > 0) context.report({ kind: 'failed', arch, text: why.join('; ') });
  }
  throw new BinfmtctlError('NOT_PROVED', `probe failed; registration rolled back: ${problems.join('; ')}`, {
    hint: 'try another emulator with --source or --emulator',
  });
}
