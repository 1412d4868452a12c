import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listEntries } from '../binfmt/entries.ts';
import { entryIdentity } from '../binfmt/entry-identity.ts';
import type { HeldState } from '../binfmt/held.ts';
import { compareTimes } from '../binfmt/held-file.ts';
import { type InstanceFacts, inspectInstance } from '../binfmt/instance/instance.ts';
import { archOfPattern } from '../catalogue/of-pattern.ts';
import type { Context } from '../context.ts';
import type { EmulatorLink } from '../emulators/link.ts';
import { profileOf } from '../emulators/names.ts';
import { BinfmtctlError, isBinfmtctlError } from '../errors.ts';
import { covers } from '../rule/algebra.ts';
import type { Entry } from '../rule/types.ts';
import { createPatternIndex } from '../safety/pattern-index.ts';
import type { Registration } from '../state/registration.ts';
import { isOurs, readReadableRegistrations } from '../state/registrations.ts';
import { closedStore } from '../state/stores.ts';
import { exists } from '../system/file/is-file.ts';
import { procProblem } from '../system/host.ts';
import { readLink } from '../system/symbolic-link.ts';
import { entryProblem } from './entry-problem.ts';
import { type RecordedProof, readProofs } from './proofs.ts';

/** An entry, the emulator that it runs, and the last proof. */
export interface StatusLine {
  readonly entry: Entry;
  /** ID of the entry's architecture; null for another format. */
  readonly arch: string | null;
  readonly ours: boolean;
  /** ID of the emulator profile, from the registration or the interpreter's name; null if unknown. */
  readonly emulator: string | null;
  readonly version: string | null;
  /** Whether the interpreter's path exists; an F entry works without it. */
  readonly interpreterExists: boolean;
  /** For an F entry: how the file that the kernel holds compares with the one at the interpreter's path. Null if unknown. */
  readonly held: HeldState | null;
  /** Links to the emulator that `install --link` created and no other program changed. */
  readonly links: readonly string[];
  /** A newer entry that matches all files of this one. */
  readonly shadowedBy: string | null;
  /** Why the entry cannot run programs, as far as that is known without running one; null if no problem is found. */
  readonly problem: string | null;
  /** The last proof, if everything that it depends on is unchanged. */
  readonly proof: RecordedProof | null;
}

/** Result of `status`. */
export interface StatusResult {
  readonly schema: 'binfmtctl/status/2';
  readonly instance: InstanceFacts;
  /** Why proofs cannot be matched with entries; null if they can. */
  readonly proofsUnknown: string | null;
  /** In the kernel's order: the first match is used. */
  readonly entries: readonly StatusLine[];
  /** Registered by binfmtctl, but no longer in the kernel, as after a reboot or `systemctl restart systemd-binfmt`. */
  readonly gone: readonly Registration[];
  /** Whether a run was killed before it finished. */
  readonly halfDone: boolean;
}

/**
 * The registered entries, their emulators, and whether they were verified since boot. Changes nothing. Runs a probe only
 * through entries with flag F whose interpreter changed after the registration.
 *
 * @throws NO_BINFMT_MISC.
 */
export async function status(context: Context): Promise<StatusResult> {
  const { binfmtDirectory, store, catalogue } = context;
  const instance = inspectInstance(binfmtDirectory);
  const entries = entriesAt(binfmtDirectory);
  const registrations = await readReadableRegistrations(context);
  const { proofs, unreadable } = await readProofsIfReadable(context);
  const newer = createPatternIndex<Entry>([], ({ pattern }) => pattern);
  const lines = entries.map((entry): StatusLine => {
    const ours = isOurs(entry, registrations);
    const known = ours ? registrations.get(entry.name)?.registration.emulator : undefined;
    const arch = archOfPattern(catalogue, entry.pattern);
    const isShadowing = ({ pattern }: Entry): boolean => covers(pattern, entry.pattern);
    const shadowedBy = newer.near(entry.pattern).find(isShadowing)?.name ?? null;
    if (entry.enabled) newer.add(entry);
    const interpreterExists = exists(entry.interpreter);
    const facts = { instanceEnabled: instance.enabled, interpreterExists, shadowedBy };
    const problem = entryProblem(entry, facts);
    const identity = problem === null ? entryIdentity(binfmtDirectory, entry) : null;
    const proof = identity === null ? null : (proofs.get(identity) ?? null);
    return {
      entry,
      arch: arch?.id ?? null,
      ours,
      held: problem === null ? compareTimes(binfmtDirectory, entry) : null,
      emulator: known?.profile ?? (arch && profileOf(entry.interpreter, arch.id, catalogue)?.id) ?? null,
      version: known === undefined ? (proof?.version ?? null) : known.version,
      interpreterExists,
      links: linksOf(registrations.get(entry.name)?.registration),
      shadowedBy,
      problem,
      proof,
    };
  });
  const names = new Set(entries.map(({ name }) => name));
  const gone = [...registrations.values()]
    .map(({ registration }) => registration)
    .filter(({ registered, rule }) => registered && !names.has(rule.name));
  return {
    schema: 'binfmtctl/status/2',
    instance,
    proofsUnknown: procProblem() ?? closedStore(context) ?? unreadable,
    entries: await withHeld(lines, context),
    gone,
    halfDone: existsSync(join(store, 'journal.json')),
  };
}

const linksOf = (registration: Registration | undefined): readonly string[] =>
  (registration?.links ?? []).filter(isIntact).map(({ path }) => path);

/** False also for a link in a directory that this user cannot search. */
function isIntact({ path, target }: EmulatorLink): boolean {
  try {
    return readLink(path) === target;
  } catch (error) {
    if (isBinfmtctlError(error)) return false;
    throw error;
  }
}

/** The proofs, or the reason why they cannot be read: damaged proofs must not hide the entries. */
async function readProofsIfReadable(context: Context) {
  try {
    return { proofs: await readProofs(context), unreadable: null };
  } catch (error) {
    if (!isBinfmtctlError(error)) throw error;
    return { proofs: new Map<string, RecordedProof>(), unreadable: error.message };
  }
}

/** Runs a probe through each entry whose file may have been replaced. */
async function withHeld(lines: readonly StatusLine[], context: Context): Promise<readonly StatusLine[]> {
  const isUnknown = ({ entry, problem, held }: StatusLine): boolean =>
    problem === null && held === null && entry.flags.includes('F');
  if (!lines.some(isUnknown)) return lines;
  const { heldInterpreters } = await import('./on-demand.ts');
  const entries = lines.map(({ entry }) => entry);
  const held = await heldInterpreters(lines.filter(isUnknown), entries, context);
  return lines.map((line) => ({ ...line, held: held.get(line.entry) ?? line.held }));
}

/** @throws NO_BINFMT_MISC. Entries of an instance that is not mounted here may still be in effect. */
function entriesAt(directory: string): readonly Entry[] {
  try {
    return listEntries(directory);
  } catch (error) {
    if (!isBinfmtctlError(error) || error.code !== 'NO_BINFMT_MISC') throw error;
    if (!/is not mounted$/.test(error.message)) throw error;
    const text = `${error.message}; its entries cannot be listed, but may still be in effect`;
    throw new BinfmtctlError('NO_BINFMT_MISC', text, {
      hint: `\`binfmtctl verify\` shows which programs run; to list the entries: ${error.hint}`,
      cause: error,
    });
  }
}
