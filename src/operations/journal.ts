import { dirname, join } from 'node:path';
import { sweepStore } from '../emulators/store-writer.ts';
import { BinfmtctlError } from '../errors.ts';
import { listEntries } from '../kernel/entries.ts';
import { decodeJournal, encodeJournal, planRepair } from '../plan/journal.ts';
import type { Step } from '../plan/steps.ts';
import { readTextIfExists, removeFile, removeTemporaries, writeAtomic } from '../system/files.ts';
import { bootId, userNamespace } from '../system/host.ts';
import type { Context } from './context.ts';
import { applyStep } from './step.ts';

/** The journal of a store, for a transaction. */
export function journalOf(context: Context): {
  readonly open: (steps: readonly Step[]) => Promise<void>;
  readonly close: () => Promise<void>;
} {
  return {
    open: async (steps) => writeAtomic(pathOf(context), encodeJournal({ ...whereabouts(), steps })),
    close: () => removeFile(pathOf(context)),
  };
}

/**
 * Takes back what a killed run left half done, and says so. The store's lock is to be held.
 *
 * Returns how many steps were taken back.
 */
export async function repair(context: Context): Promise<number> {
  const text = await readTextIfExists(pathOf(context));
  const journal = text === null ? null : decodeJournal(text);
  const paths = journal?.steps.flatMap((step) => ('path' in step ? [step.path] : [])) ?? [];
  await removeLeftovers(context, paths);
  if (text === null) return 0;
  const here = whereabouts();
  const found = {
    entries: await listEntries(context.binfmtDirectory),
    files: new Map(
      await Promise.all(paths.map(async (path) => [path, await readTextIfExists(path)] as const)),
    ),
    sameKernel: journal?.bootId === here.bootId && journal.userNamespace === here.userNamespace,
  };
  const steps = journal === null ? [] : planRepair(journal, found);
  await carryOutRepair(steps, context);
  await removeFile(pathOf(context));
  if (steps.length > 0) {
    context.report({
      kind: 'warning',
      text: `an earlier run was killed: ${steps.length} of its steps were taken back`,
    });
  }
  return steps.length;
}

/** Removes what killed writers have left: in the store, and beside the files that the journal names. */
async function removeLeftovers({ store }: Context, paths: readonly string[]): Promise<void> {
  const folders = new Set([store, join(store, 'registrations'), ...paths.map(dirname)]);
  await Promise.all([sweepStore(store), ...[...folders].map(removeTemporaries)]);
}

/**
 * An entry with F whose emulator's file is gone works as long as it lives, but cannot come back: that is said, and
 * does not keep everything else, and every later run, from being carried out.
 */
async function carryOutRepair(steps: readonly Step[], context: Context): Promise<void> {
  const lost = new Set<string>();
  for (const step of steps) {
    if (step.kind === 'disable' && lost.has(step.entry.name)) continue;
    try {
      await applyStep(step, context);
    } catch (error) {
      const refused = error instanceof BinfmtctlError && error.code === 'KERNEL_REFUSED';
      if (!refused || step.kind !== 'register' || !step.rule.flags.includes('F')) throw error;
      lost.add(step.rule.name);
      context.report({
        kind: 'warning',
        text: `entry ${step.rule.name} of before an interrupted change is lost: ${error.message}`,
      });
    }
  }
}

function whereabouts(): { readonly bootId: string; readonly userNamespace: string } {
  return { bootId: bootId(), userNamespace: userNamespace() };
}

function pathOf({ store }: Context): string {
  return join(store, 'journal.json');
}
