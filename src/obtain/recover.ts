import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { recoverFromEntry } from '../emulators/recover.ts';
import type { Candidate } from '../emulators/types.ts';
import { isBinfmtctlError } from '../errors.ts';
import { withWaitingProbe } from '../probe/waiting.ts';
import { refuseInterrupted } from '../state/transaction.ts';
import { addProblem, type SourceProblems } from './sources.ts';

/**
 * Gets an emulator back that only an entry of the kernel still has, by running a probe through it: a copy of what runs
 * goes into the store. It is as trustworthy as what the machine runs now. Keeps in `problems` why it failed.
 *
 * @throws INTERRUPTED.
 */
export async function recover(
  arch: Arch,
  held: Candidate,
  problems: SourceProblems,
  context: Context,
): Promise<readonly Candidate[]> {
  const { catalogue, store, signal } = context;
  const profile = catalogue.emulators[held.emulator];
  if (profile === undefined) return [];
  const recovered = withWaitingProbe(arch, context, async (startProbe) => [
    await recoverFromEntry(held, profile, { store, signal }, startProbe),
  ]);
  return recovered.catch((error: unknown) => {
    refuseInterrupted(signal);
    if (!isBinfmtctlError(error)) throw error;
    addProblem(problems, arch.id, error);
    return [];
  });
}
