import type { Arch } from '../catalogue/types.ts';
import { recoverFromEntry } from '../emulators/recover.ts';
import type { Candidate } from '../emulators/types.ts';
import type { Context } from './context.ts';
import { withWaitingProbe } from './waiting-probe.ts';

/**
 * Gets an emulator back that only an entry of the kernel still has, by running a probe through it: a copy of what runs
 * goes into the store. It is as trustworthy as what the machine runs now.
 */
export async function recover(arch: Arch, held: Candidate, context: Context): Promise<readonly Candidate[]> {
  const { catalogue, store, signal } = context;
  const profile = catalogue.emulators[held.emulator];
  if (profile === undefined) return [];
  return withWaitingProbe(arch, context, async (startProbe) => [
    await recoverFromEntry(held, profile, store, startProbe, { signal }),
  ]);
}
