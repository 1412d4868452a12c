import { availableParallelism } from 'node:os';
import type { HeldState } from '../binfmt/held.ts';
import { compareHeld, compareTimes } from '../binfmt/held-file.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { buildProbe } from '../elf/probe.ts';
import { isBinfmtctlError } from '../errors.ts';
import { withWaitingProbe } from '../probe/waiting.ts';
import { firstMatch } from '../rule/match.ts';
import type { Entry } from '../rule/types.ts';
import { forEachAtOnce } from '../system/at-once.ts';
import { inMachineMountNamespace } from '../system/namespace/mount-namespaces.ts';

/** An entry, with the id of the arch that it serves. */
export interface Serving {
  readonly entry: Entry;
  readonly arch: string | null;
}

/**
 * Compares the emulators that the kernel runs for entries with flag F with the files at their paths, by probes where the times of the
 * files do not tell. After an upgrade of the package the kernel still runs the old file: `replaced`; after its removal: `gone`.
 *
 * Lacks the entries for which nothing can be told: without flag F, or if the probe does not run through that entry.
 */
export async function heldInterpreters(
  servings: readonly Serving[],
  entries: readonly Entry[],
  context: Pick<Context, 'binfmtDirectory' | 'catalogue' | 'signal'>,
): Promise<ReadonlyMap<Entry, HeldState>> {
  const states = new Map<Entry, HeldState>();
  // A container has files of its own at the paths for which others registered theirs.
  const timesTell = inMachineMountNamespace() !== false;
  await forEachAtOnce(servings, availableParallelism(), async ({ entry, arch: id }) => {
    const arch = context.catalogue.arches[id ?? ''];
    const state =
      (timesTell ? compareTimes(context.binfmtDirectory, entry) : null) ??
      (arch === undefined || !entry.flags.includes('F') ? null : await ask(entry, arch, entries, context));
    if (state !== null) states.set(entry, state);
  });
  return states;
}

async function ask(
  { name, interpreter }: Entry,
  arch: Arch,
  entries: readonly Entry[],
  context: Pick<Context, 'signal'>,
): Promise<HeldState | null> {
  if (firstMatch(entries, buildProbe(arch.elf, arch.probe), arch.id)?.name !== name) return null;
  const probed = withWaitingProbe(arch, context, async (startProbe) => {
    const probe = await startProbe();
    try {
      return compareHeld(probe.pid, interpreter);
    } finally {
      await probe.end();
    }
  });
  return probed.catch((error: unknown) => {
    // Without a directory for the probe the state stays unknown, which the result says.
    if (isBinfmtctlError(error)) return null;
    throw error;
  });
}
