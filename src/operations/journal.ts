import { join } from 'node:path';
import { listEntries } from '../kernel/entries.ts';
import { decodeJournal, encodeJournal, planRepair } from '../plan/journal.ts';
import type { Step } from '../plan/steps.ts';
import { readTextIfExists, removeFile, writeAtomic } from '../system/files.ts';
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
  if (text === null) return 0;
  const journal = decodeJournal(text);
  const here = whereabouts();
  const paths = journal?.steps.flatMap((step) => ('path' in step ? [step.path] : [])) ?? [];
  const found = {
    entries: await listEntries(context.binfmtDirectory),
    files: new Map(
      await Promise.all(paths.map(async (path) => [path, await readTextIfExists(path)] as const)),
    ),
    sameKernel: journal?.bootId === here.bootId && journal.userNamespace === here.userNamespace,
  };
  const steps = journal === null ? [] : planRepair(journal, found);
  for (const step of steps) await applyStep(step, context);
  await removeFile(pathOf(context));
  if (steps.length > 0) {
    context.report({
      kind: 'warning',
      text: `an earlier run was killed: ${steps.length} of its steps were taken back`,
    });
  }
  return steps.length;
}

function whereabouts(): { readonly bootId: string; readonly userNamespace: string } {
  return { bootId: bootId(), userNamespace: userNamespace() };
}

function pathOf({ store }: Context): string {
  return join(store, 'journal.json');
}
