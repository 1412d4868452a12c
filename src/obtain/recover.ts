import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { recoverFromEntry } from '../emulators/recover.ts';
import type { Candidate } from '../emulators/types.ts';
import { isBinfmtctlError } from '../errors.ts';
import { withWaitingProbe } from '../probe/waiting.ts';
import { assertNotInterrupted } from '../state/transaction.ts';
import { addProblem, type SourceProblems } from './sources.ts';

/**
 * Recovers an emulator whose file was deleted and that only a kernel entry still holds: runs a probe through the entry
 * and copies the running emulator into the store. The copy is as trustworthy as the entry. Records failures in
 * `problems`.
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
    assertNotInterrupted(signal);
    if (!isBinfmtctlError(error)) throw error;
    addProblem(problems, arch.id, error);
    return [];
  });
}
