import { existsSync } from 'node:fs';
import { archOfPattern } from '../catalogue/of-pattern.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import type { Candidate } from '../emulators/types.ts';
import type { StoredRegistration } from '../state/registrations.ts';
import { heldInterpreters } from '../verify/held-interpreter.ts';
import type { CurrentState } from './plan.ts';

export interface Outdated {
  /** Names of the entries that do not run the file at their interpreter's path. */
  readonly names: ReadonlySet<string>;
  /** The files that replaced the emulators of binfmtctl's entries, except those in the store, which is searched anyway. */
  readonly candidates: readonly Candidate[];
}

/** The entries of `arches` with flag F whose interpreter was replaced or removed after the registration. */
export async function findOutdated(
  arches: readonly Arch[],
  { entries, ours }: CurrentState,
  registrations: ReadonlyMap<string, StoredRegistration>,
  context: Context,
): Promise<Outdated> {
  const servings = entries.flatMap((entry) => {
    const id = archOfPattern(context.catalogue, entry.pattern)?.id;
    return entry.flags.includes('F') && arches.some((arch) => arch.id === id)
      ? [{ entry, arch: id ?? null }]
      : [];
  });
  const states = await heldInterpreters(servings, entries, context);
  // No probe can run through a disabled entry: unless its file is known to be the same, it is registered again.
  const outdated = servings.filter(
    ({ entry }) => (states.get(entry) ?? (entry.enabled ? 'same' : null)) !== 'same',
  );
  const candidates = outdated.flatMap(({ entry: { name, interpreter: path }, arch }): Candidate[] => {
    const emulator = registrations.get(name)?.registration.emulator.profile;
    const isUsable = ours.has(name) && existsSync(path) && !path.startsWith(`${context.store}/`);
    return isUsable && arch !== null && emulator !== undefined
      ? [{ path, emulator, guest: arch, origin: 'entry', entry: name }]
      : [];
  });
  return { names: new Set(outdated.map(({ entry }) => entry.name)), candidates };
}
