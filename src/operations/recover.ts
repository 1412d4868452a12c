import { once } from 'node:events';
import type { Arch } from '../catalogue/types.ts';
import { buildProbe, probeEnvironment } from '../elf/probe.ts';
import { recoverFromEntry } from '../emulators/recover.ts';
import type { Candidate } from '../emulators/types.ts';
import { start } from '../system/process.ts';
import type { Context } from './context.ts';
import { withWorkspace } from './workspace.ts';

/**
 * Gets an emulator back that only an entry of the kernel still has, by running a probe through it: a copy of what runs
 * goes into the store. It is as trustworthy as what the machine runs now.
 */
export async function recover(
  arch: Arch,
  held: Candidate,
  { catalogue, store, signal }: Context,
): Promise<readonly Candidate[]> {
  const profile = catalogue.emulators[held.emulator];
  if (profile === undefined) return [];
  const files = [{ name: arch.id, bytes: buildProbe(arch.elf, arch.probe) }];
  return withWorkspace(files, async (directory) => {
    const waiting = async () => {
      const probe = await start(`${directory}/${arch.id}`, [], { env: probeEnvironment, signal });
      // It reports, then waits for the end of its input.
      await Promise.race([once(probe.stdout, 'data'), probe.ended]);
      probe.stdout.resume();
      const end = async (): Promise<void> => {
        probe.stdin.end();
        await probe.ended;
      };
      return { pid: probe.pid ?? 0, end };
    };
    return [await recoverFromEntry(held, profile, store, waiting, { signal })];
  });
}
