import { type CheckedInterpreters, openInterpreters } from '../../binfmt/checked-interpreters.ts';
import { listEntries } from '../../binfmt/entries.ts';
import { ensureMounted, inspectInstance } from '../../binfmt/instance/instance.ts';
import { isRegistered as isInKernel, register } from '../../binfmt/register.ts';
import { BinfmtctlError } from '../../errors.ts';
import type { Description } from '../../file-format/binfmt-support.ts';
import { decodeText } from '../../rule/text.ts';
import type { Entry, Rule } from '../../rule/types.ts';
import { hiddenEntries } from '../../safety/hidden-entries.ts';
import { findUnsafe, warnOfScripts } from '../../safety/machine-safety.ts';
import { findUnfitInterpreters } from '../../safety/unfit-interpreters.ts';
import { strerror } from '../../system/strerror.ts';
import { isInstalled, readDatabase, readDescription, readUsable } from './database.ts';
import { type InstalledFormat, installedFormat } from './installed-format.ts';
import { isRegistered, reasonOf, type Session } from './session.ts';

/** Registers all installed formats without an entry of that name. Continues after a failure. */
export async function enableAll(session: Session): Promise<boolean> {
  if (!(await prepare(session))) return true;
  const database = readDatabase(session);
  const missing = [...database.keys()].filter((name) => !isRegistered(session, name));
  const hiddenBy = hiddenEntries(entriesOfOthers(session));
  const candidates = missing.map((name) => installedFormat(name, database, hiddenBy));
  using checked = openInterpreters(rulesOf(candidates));
  const refusals = await refusalsOf(session, candidates);
  const unfit = unfitAmong(session, candidates);
  let success = true;
  for (const candidate of candidates) {
    if (session.test) await prepare(session);
    if (!enableOne(session, candidate, { refusals, unfit, checked })) success = false;
  }
  return success;
}

/**
 * Registers one format: the installed one, or `described`, which is just being installed. Succeeds without a registration if
 * binfmt_misc cannot be mounted.
 */
export async function enable(session: Session, name: string, described?: Description): Promise<boolean> {
  if (!(await prepare(session))) return true;
  if (isRegistered(session, name)) {
    session.warn(`${name} already enabled in kernel.`);
    return true;
  }
  // With --test, the installed file is still the old one, which must be complete.
  const installed = isInstalled(session, name) ? readDescription(session, name) : null;
  const description = described ?? installed;
  if (description === null) {
    session.warn(`${name} not in database of installed binary formats.`);
    return false;
  }
  // Other formats matter only without a detector.
  const database = description.detector === '' ? readUsable(session) : [];
  const candidate = installedFormat(
    name,
    new Map([...database, [name, description]]),
    hiddenEntries(entriesOfOthers(session)),
  );
  using checked = openInterpreters(rulesOf([candidate]));
  const refusals = await refusalsOf(session, [candidate]);
  return enableOne(session, candidate, { refusals, unfit: unfitAmong(session, [candidate]), checked });
}

/** @throws UNSAFE_RULE if the description must not be registered. */
export async function requireSafe(session: Session, name: string, description: Description): Promise<void> {
  const candidate = installedFormat(name, new Map([[name, description]]), hiddenEntries([]));
  const [refusal] = (await refusalsOf(session, [candidate])).values();
  if (refusal !== undefined) throw refusal;
}

/** The entries that do not belong to a format of the database. */
function entriesOfOthers(session: Session): readonly Entry[] {
  const { binfmtDirectory } = session.context;
  if (!inspectInstance(binfmtDirectory).mounted) return [];
  return listEntries(binfmtDirectory).filter(({ name }) => !isInstalled(session, name));
}

const rulesOf = (candidates: readonly InstalledFormat[]): readonly Rule[] =>
  candidates.flatMap(({ rule }) => (typeof rule === 'string' ? [] : [rule]));

/** Checks each rule both with the interpreter that the kernel starts and with the one that run-detectors starts. */
async function refusalsOf(
  { context }: Session,
  candidates: readonly InstalledFormat[],
): Promise<ReadonlyMap<string, BinfmtctlError>> {
  const rules = candidates.flatMap(({ rule, interpreter }) =>
    typeof rule === 'string' ? [] : [rule, { ...rule, interpreter }],
  );
  const unsafe = await findUnsafe(rules, context);
  return new Map([...unsafe].map(([{ name }, refusal]) => [name, refusal]));
}

/** Interpreters that the kernel would accept, but that another user can change. */
function unfitAmong(
  { context }: Session,
  candidates: readonly InstalledFormat[],
): ReadonlyMap<string, BinfmtctlError> {
  const rules = candidates.flatMap(({ rule, interpreter }) => {
    if (typeof rule === 'string') return [];
    return rule.interpreter === interpreter ? [rule] : [rule, { ...rule, interpreter }];
  });
  const unfit = findUnfitInterpreters(rules, context, { kernelRefuses: true });
  return new Map([...unfit].map(([{ name }, refusal]) => [name, refusal]));
}

interface Findings {
  readonly refusals: ReadonlyMap<string, BinfmtctlError>;
  readonly unfit: ReadonlyMap<string, BinfmtctlError>;
  readonly checked: CheckedInterpreters;
}

function enableOne(
  session: Session,
  { name, rule, string, preflightError, notes }: InstalledFormat,
  { refusals, unfit, checked }: Findings,
): boolean {
  const { warn, print, test, context } = session;
  const reason = refusals.get(name)?.message ?? preflightError;
  if (reason !== null) {
    warn(`unable to enable binary format ${name}: ${reason}`);
    return false;
  }
  const refusal = unfit.get(name);
  if (refusal !== undefined) {
    // update-binfmts would register it and exit with 0, so this is only a warning.
    warn(refusal.message);
    return true;
  }
  if (test) {
    print(`enable ${name} with the following format string:\n ${decodeText(string)}`);
    return true;
  }
  if (typeof rule !== 'string') warnOfScripts([rule], context);
  const failure =
    typeof rule === 'string'
      ? { what: 'close', why: strerror(rule) }
      : tryRegister(context.binfmtDirectory, rule, checked);
  if (failure === null) {
    for (const note of notes) warn(note);
    return true;
  }
  const { what, why } = failure;
  warn(
    `unable to ${what} ${context.binfmtDirectory}/register${what === 'open' ? ' for writing' : ''}: ${why}`,
  );
  return false;
}

/** Registers a rule. Returns the failed operation and the reason, otherwise null. */
function tryRegister(
  directory: string,
  rule: Rule,
  checked: CheckedInterpreters,
): { readonly what: 'open' | 'close'; readonly why: string } | null {
  try {
    register(directory, rule, checked);
    return null;
  } catch (error) {
    const isTaken = error instanceof BinfmtctlError && error.code === 'ENTRY_EXISTS';
    // Another program registered an equal rule in the meantime.
    if (isTaken && isInKernel(directory, rule)) return null;
    const { cause } = error as Error;
    const isOpen = cause instanceof Error && 'syscall' in cause && cause.syscall === 'open';
    return { what: isOpen ? 'open' : 'close', why: reasonOf(error) };
  }
}

/** Mounts the instance if necessary. Returns whether rules can be registered; warns with the reason if not. */
async function prepare(session: Session): Promise<boolean> {
  const { test, context, print, warn } = session;
  const { binfmtDirectory } = context;
  if (test) {
    print('load binfmt_misc\n');
    return true;
  }
  if (!inspectInstance(binfmtDirectory).mounted) {
    const failure = await ensureMounted(binfmtDirectory).catch((error: unknown) => error);
    if (inspectInstance(binfmtDirectory).mounted) return prepare(session);
    warn(reasonOf(failure));
    warn(`Couldn't mount the binfmt_misc filesystem on ${binfmtDirectory}.`);
    return false;
  }
  // Enabling it would also enable the entries of other programs.
  if (inspectInstance(binfmtDirectory).enabled === false)
    warn(
      `binfmt_misc is disabled: no entry takes effect; to enable it, run \`echo 1 > ${binfmtDirectory}/status\``,
    );
  return true;
}
