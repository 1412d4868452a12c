import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listEntries } from '../binfmt/entries.ts';
import { entryIdentity } from '../binfmt/entry-identity.ts';
import type { HeldState } from '../binfmt/held.ts';
import { compareTimes } from '../binfmt/held-file.ts';
import { type InstanceFacts, inspectInstance } from '../binfmt/instance/instance.ts';
import { archOfPattern } from '../catalogue/of-pattern.ts';
import type { Context } from '../context.ts';
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
  /** Of an F entry: whether the kernel runs the file that is at the interpreter's path now. Null if that is not known. */
  readonly held: HeldState | null;
  /** Links to the emulator that `install --link` created and that nobody changed. */
  readonly links: readonly string[];
  /** A newer entry that takes everything this one would. */
  readonly shadowedBy: string | null;
  /** Why it runs no programs, as far as that is seen without running one; null if nothing is wrong. */
  readonly problem: string | null;
  /** The last proof, if all that it depends on is still the same. */
  readonly proof: RecordedProof | null;
}

export interface StatusResult {
  readonly schema: 'binfmtctl/status/2';
  readonly instance: InstanceFacts;
  /** Why proofs cannot be matched with entries here; null if they can. */
  readonly proofsUnknown: string | null;
  /** In the kernel's order: the first that matches is taken. */
  readonly entries: readonly StatusLine[];
  /** Registered by us, but gone from the kernel: after a reboot, or because another program emptied it. */
  readonly gone: readonly Registration[];
  /** Whether a run was killed half-way. */
  readonly halfDone: boolean;
}

/**
 * What is registered, who runs it, and whether it was proved since the boot. Changes nothing. Runs a probe only through
 * entries with flag F whose interpreter changed after the registration.
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
  (registration?.links ?? []).filter(({ path, target }) => readLink(path) === target).map(({ path }) => path);

/** A damaged file of proofs takes nothing else from the user. */
async function readProofsIfReadable(context: Context) {
  try {
    return { proofs: await readProofs(context), unreadable: null };
  } catch (error) {
    if (!isBinfmtctlError(error)) throw error;
    return { proofs: new Map<string, RecordedProof>(), unreadable: error.message };
  }
}

/** Asks the kernel, by a probe, for each file that may have been replaced. */
async function withHeld(lines: readonly StatusLine[], context: Context): Promise<readonly StatusLine[]> {
  const isOpen = ({ entry, problem, held }: StatusLine): boolean =>
    problem === null && held === null && entry.flags.includes('F');
  if (!lines.some(isOpen)) return lines;
  const { heldInterpreters } = await import('./on-demand.ts');
  const entries = lines.map(({ entry }) => entry);
  const held = await heldInterpreters(lines.filter(isOpen), entries, context);
  return lines.map((line) => ({ ...line, held: held.get(line.entry) ?? line.held }));
}

/** @throws NO_BINFMT_MISC, which does not mean that nothing is emulated. */
function entriesAt(directory: string): readonly Entry[] {
  try {
    return listEntries(directory);
  } catch (error) {
    if (!isBinfmtctlError(error) || error.code !== 'NO_BINFMT_MISC') throw error;
    if (!/is not mounted$/.test(error.message)) throw error;
    const what = `${error.message}; its entries cannot be listed, but may still be in effect`;
    throw new BinfmtctlError('NO_BINFMT_MISC', what, {
      hint: `\`binfmtctl verify\` shows which programs run; to list the entries, ${error.hint}`,
      cause: error,
    });
  }
}
