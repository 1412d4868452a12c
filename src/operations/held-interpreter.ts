import type { Arch } from '../catalogue/types.ts';
import { buildProbe } from '../elf/probe.ts';
import { compareHeld, type HeldState } from '../kernel/held-file.ts';
import { firstMatch } from '../rule/match.ts';
import type { Entry } from '../rule/types.ts';
import type { Context } from './context.ts';
import { withWaitingProbe } from './waiting-probe.ts';

/**
 * Compares the emulator that the kernel runs for `arch` with the file at its entry's path, by a probe. After an upgrade of the package the
 * kernel still holds the old file of an entry with flag F: `replaced`; after its removal: `gone`. Null if no entry takes programs of
 * `arch`, or the probe does not run.
 */
export async function heldInterpreter(
  arch: Arch,
  entries: readonly Entry[],
  context: Pick<Context, 'signal'>,
): Promise<HeldState | null> {
  const entry = firstMatch(entries, buildProbe(arch.elf, arch.probe), arch.id);
  if (entry === null) return null;
  return withWaitingProbe(arch, context, async (startProbe) => {
    const probe = await startProbe();
    try {
      return compareHeld(probe.pid, entry.interpreter);
    } finally {
      await probe.end();
    }
  });
}
