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

/** An entry and the ID of its architecture. */
export interface Serving {
  readonly entry: Entry;
  readonly arch: string | null;
}

/**
 * Compares the emulators that the kernel holds for entries with flag F with the files at their paths. Runs a probe if the files'
 * times are not conclusive. After a package upgrade the kernel still runs the old file (`replaced`), after a removal, too (`gone`).
 *
 * The result lacks entries without flag F, and entries that the probe does not run through.
 */
export async function heldInterpreters(
  servings: readonly Serving[],
  entries: readonly Entry[],
  context: Pick<Context, 'binfmtDirectory' | 'catalogue' | 'signal'>,
): Promise<ReadonlyMap<Entry, HeldState>> {
  const states = new Map<Entry, HeldState>();
  // In a container, the interpreter's path may be another file than the one that was registered.
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
    // No directory is usable for the probe: the state stays unknown.
    if (isBinfmtctlError(error)) return null;
    throw error;
  });
}
