import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listEntries } from '../binfmt/entries.ts';
import { isBootFile, isIn } from '../boot/paths.ts';
import type { Context } from '../context.ts';
import { promisedSha256 } from '../emulators/store/store.ts';
import { readStoreFile } from '../emulators/store/trust.ts';
import { sweepStore } from '../emulators/store/writer.ts';
import { BinfmtctlError } from '../errors.ts';
import { isLockText } from '../file-format/lock-file.ts';
import { isBpf } from '../rule/types.ts';
import { findUnsafe } from '../safety/machine-safety.ts';
import { findUnfitInterpreters } from '../safety/unfit-interpreters.ts';
import { fileError } from '../system/file/file-error.ts';
import { removeFile, sha256File } from '../system/file/files.ts';
import { readTextIfExists } from '../system/file/read-file.ts';
import { removeTemporaries, writeAtomic } from '../system/file/write-file.ts';
import { bootId, userNamespace } from '../system/host.ts';
import { withLockedInstance } from './instance-change.ts';
import { decodeJournal, encodeJournal, type Journal, planRepair } from './journal.ts';
import { isSealed, removeSeal, seal } from './seal.ts';
import { applyStep } from './step.ts';
import type { Step } from './steps.ts';

type FileStep = Extract<Step, { kind: 'write' | 'delete' }>;
type RegisterStep = Extract<Step, { kind: 'register' }>;

/** The journal of a store, as `transact` uses it. */
export function journalOf(context: Context): {
  readonly open: (steps: readonly Step[]) => Promise<void>;
  readonly close: () => Promise<void>;
} {
  return {
    open: async (steps) => {
      const text = encodeJournal({ ...currentKernel(), steps });
      await seal(context.store, text);
      await writeAtomic(pathOf(context), text);
    },
    close: () => discard(context),
  };
}

/**
 * Rolls back the steps of a killed run, and reports it. The caller must hold the store's lock. A journal that this installation
 * did not write is renamed and reported, never applied.
 *
 * Returns the number of steps that were rolled back.
 */
export async function repair(context: Context): Promise<number> {
  const { store, report, binfmtDirectory } = context;
  const text = readStoreFile(store, JOURNAL);
  const read = text === null ? null : readJournal(text, context);
  const steps = read !== null && 'journal' in read ? read.journal.steps.filter(isFileStep) : [];
  await removeTemporariesBeside(context, steps);
  if (read === null) {
    await removeSeal(store);
    return 0;
  }
  if ('problem' in read) {
    await setAside(read.problem, context);
    return 0;
  }
  const { journal } = read;
  const current = currentKernel();
  const sameNamespace = journal.userNamespace === current.userNamespace;
  const plan = (): readonly Step[] =>
    planRepair(journal, {
      entries: listEntries(binfmtDirectory),
      files: new Map(steps.map(({ path }) => [path, readTextIfExists(path)] as const)),
      sameKernel: journal.bootId === current.bootId && sameNamespace,
      rebooted: journal.bootId !== current.bootId && sameNamespace,
    });
  const repairNow = async (): Promise<readonly Step[]> => {
    const undo = plan();
    await applyRepair(undo, context);
    return undo;
  };
  const undo = await (plan().every(isFileStep) ? repairNow() : withLockedInstance(context, repairNow));
  await discard(context);
  if (undo.length > 0)
    report({ kind: 'warning', text: `an earlier run was killed: rolled back ${undo.length} of its steps` });
  return undo.length;
}

function readJournal(
  text: string,
  { store }: Context,
): { readonly journal: Journal } | { readonly problem: string } {
  if (!isSealed(store, text)) return { problem: 'this installation did not write it' };
  const journal = decodeJournal(text);
  if (journal === null) return { problem: 'its content is invalid' };
  const stray = journal.steps.filter(isFileStep).find((step) => !mayTouch(step, store));
  return stray === undefined ? { journal } : { problem: `it names the file ${stray.path}` };
}

/** Transactions write registrations, files that register rules at boot, and lock files. */
function mayTouch(step: FileStep, store: string): boolean {
  if (isBootFile(step.path) || isIn(join(store, 'registrations'), step.path)) return true;
  return (
    step.kind === 'write' && [step.text, step.previous].every((text) => text === null || isLockText(text))
  );
}

async function setAside(problem: string, context: Context): Promise<void> {
  const path = pathOf(context);
  try {
    await rename(path, `${path}.invalid`);
  } catch (error) {
    throw fileError(error, `rename ${path}`);
  }
  await removeSeal(context.store);
  const text = `ignored the journal ${path} of an interrupted run: ${problem}; it is kept as ${path}.invalid; check the entries with \`binfmtctl status\``;
  context.report({ kind: 'warning', text });
}

/** Removes temporary files of killed writers from the store and from the directories of the files that the journal names. */
async function removeTemporariesBeside({ store }: Context, steps: readonly FileStep[]): Promise<void> {
  const directories = new Set([
    store,
    join(store, 'registrations'),
    ...steps.map(({ path }) => dirname(path)),
  ]);
  await Promise.all([sweepStore(store), ...[...directories].map(removeTemporaries)]);
}

/** Applies the steps. Reports an entry that cannot be restored, and goes on with the other steps. */
async function applyRepair(steps: readonly Step[], context: Context): Promise<void> {
  const lost = new Map<string, string>();
  const refusals = await findRefusals(
    steps.filter((step) => step.kind === 'register'),
    context,
  );
  for (const step of steps) {
    if (step.kind === 'disable' && lost.has(step.entry.name)) continue;
    const refusal = step.kind === 'register' ? refusals.get(step) : undefined;
    if (step.kind === 'register' && refusal !== undefined) lost.set(step.rule.name, refusal);
    else
      await applyStep(step, context).catch((error: unknown) => {
        // With F, the kernel held the old emulator open; its file may be gone.
        const isRefused = error instanceof BinfmtctlError && error.code === 'KERNEL_REFUSED';
        if (!isRefused || step.kind !== 'register' || !step.rule.flags.includes('F')) throw error;
        lost.set(step.rule.name, error.message);
      });
  }
  for (const [name, why] of lost) {
    const text = `entry ${name} existed before an interrupted run and cannot be restored: ${why}`;
    context.report({ kind: 'warning', text });
  }
}

/** The reasons why rules must not be registered again: they are unsafe, or their stored emulator has changed. */
async function findRefusals(
  steps: readonly RegisterStep[],
  context: Context,
): Promise<ReadonlyMap<RegisterStep, string>> {
  const rules = steps.flatMap(({ rule }) => (isBpf(rule) ? [] : [rule]));
  const unsafe = await findUnsafe(rules, context);
  const unfit = findUnfitInterpreters(rules, context, { kernelRefuses: true });
  const refusals = new Map<RegisterStep, string>();
  for (const step of steps) {
    const { rule } = step;
    if (isBpf(rule)) continue;
    const why = unsafe.get(rule)?.message ?? unfit.get(rule)?.message ?? (await damageOf(rule.interpreter));
    if (why !== null) refusals.set(step, why);
  }
  return refusals;
}

async function damageOf(interpreter: string): Promise<string | null> {
  const promised = promisedSha256(interpreter);
  // If the file is gone, the kernel refuses the rule.
  if (promised === null || (await sha256File(interpreter).catch(() => promised)) === promised) return null;
  return `the bytes of ${interpreter} have changed`;
}

async function discard(context: Context): Promise<void> {
  await removeFile(pathOf(context));
  await removeSeal(context.store);
}

const isFileStep = (step: Step): step is FileStep => step.kind === 'write' || step.kind === 'delete';

const currentKernel = (): { readonly bootId: string; readonly userNamespace: string } => ({
  bootId: bootId(),
  userNamespace: userNamespace(),
});

const JOURNAL = 'journal.json';
const pathOf = ({ store }: Context): string => join(store, JOURNAL);
