import type { Entry } from '../rule/types.ts';
import type { Registration } from '../state/registration.ts';
import type { Step } from '../state/steps.ts';

/** An entry to remove, and how it was registered. */
export interface EntryRemoval {
  /** Null if the kernel no longer has it. */
  readonly entry: Entry | null;
  /** Null if binfmtctl did not register it. */
  readonly registration: Registration | null;
  /** The current contents of its boot files; null for a missing one. */
  readonly files: readonly { readonly path: string; readonly now: string | null }[];
  readonly registrationFile: { readonly path: string; readonly text: string } | null;
}

/** The steps that remove an entry, then its boot files, and finally its registration. */
export function planUninstall({
  entry,
  registration,
  files,
  registrationFile,
}: EntryRemoval): readonly Step[] {
  const steps: Step[] = [];
  if (entry !== null && registration?.registered !== false) steps.push({ kind: 'unregister', entry });
  for (const { path, previous } of registration?.persisted ?? []) {
    const now = files.find((file) => file.path === path)?.now ?? null;
    if (now === null) continue;
    steps.push(
      previous === null
        ? { kind: 'delete', path, previous: now }
        : { kind: 'write', path, text: previous, previous: now },
    );
  }
  if (registrationFile !== null) {
    steps.push({ kind: 'delete', path: registrationFile.path, previous: registrationFile.text });
  }
  return steps;
}
