import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { archOfPattern } from '../catalogue/of-pattern.ts';
import type { Arch, Catalogue } from '../catalogue/types.ts';
import { listEntries } from '../kernel/entries.ts';
import { type InstanceFacts, inspectInstance } from '../kernel/instance.ts';
import type { Registration } from '../plan/registration.ts';
import { covers } from '../rule/algebra.ts';
import { equalRules } from '../rule/equal.ts';
import type { Entry } from '../rule/types.ts';
import type { Context } from './context.ts';
import { type RecordedProof, readProofs } from './proofs.ts';
import { readRegistrations } from './registrations.ts';

export interface StatusLine {
  readonly entry: Entry;
  /** Id of the arch whose programs it takes; null for another format. */
  readonly arch: string | null;
  readonly ours: boolean;
  /** Id of the emulator profile, as far as we registered it or its name tells. */
  readonly emulator: string | null;
  readonly version: string | null;
  /** Whether the interpreter is on the disk; an F entry works without. */
  readonly interpreterExists: boolean;
  /** A newer entry that takes everything this one would. */
  readonly shadowedBy: string | null;
  readonly proof: RecordedProof | null;
}

export interface StatusResult {
  readonly schema: 'binfmtctl/status/1';
  readonly instance: InstanceFacts;
  /** In the kernel's order: the first that matches is taken. */
  readonly entries: readonly StatusLine[];
  /** Registered by us, but gone from the kernel: after a reboot, or because another program emptied it. */
  readonly gone: readonly Registration[];
  /** Whether a run was killed half-way. */
  readonly halfDone: boolean;
}

/**
 * What is registered, who runs it, and whether it was proved since the boot. Changes nothing and starts no process.
 *
 * @throws NO_BINFMT_MISC.
 */
export async function status(context: Context): Promise<StatusResult> {
  const { binfmtDirectory, store, catalogue } = context;
  const [instance, entries, registrations, proofs] = await Promise.all([
    inspectInstance(binfmtDirectory),
    listEntries(binfmtDirectory),
    readRegistrations(store),
    readProofs(context),
  ]);
  const lines = entries.map((entry, index): StatusLine => {
    const registration = registrations.get(entry.name)?.registration;
    const ours = registration?.registered === true && equalRules(entry, registration.rule);
    const arch = archOfPattern(catalogue, entry.pattern);
    const proof = proofs.get(entry.name) ?? null;
    return {
      entry,
      arch: arch?.id ?? null,
      ours,
      emulator: ours ? registration.emulator.profile : emulatorNamed(entry, arch, catalogue),
      version: ours ? registration.emulator.version : (proof?.version ?? null),
      interpreterExists: existsSync(entry.interpreter),
      shadowedBy:
        entries.slice(0, index).find((newer) => newer.enabled && covers(newer.pattern, entry.pattern))
          ?.name ?? null,
      proof,
    };
  });
  const gone = [...registrations.values()]
    .map(({ registration }) => registration)
    .filter(({ registered, rule }) => registered && !entries.some(({ name }) => name === rule.name));
  return {
    schema: 'binfmtctl/status/1',
    instance,
    entries: lines,
    gone,
    halfDone: existsSync(join(store, 'journal.json')),
  };
}

/** The profile whose file names fit the interpreter's. */
function emulatorNamed({ interpreter }: Entry, arch: Arch | null, { emulators }: Catalogue): string | null {
  const file = interpreter.slice(interpreter.lastIndexOf('/') + 1);
  const named = Object.values(emulators).find(({ guests, layouts }) =>
    layouts
      .flatMap(({ paths }) => paths)
      .some(
        (path) =>
          path.slice(path.lastIndexOf('/') + 1).replace('{target}', guests[arch?.id ?? ''] ?? '') === file,
      ),
  );
  return named?.id ?? null;
}
