import type { EmulatorLink } from '../emulators/link.ts';
import type { Entry } from '../rule/types.ts';
import type { Registration } from '../state/registration.ts';
import type { Step } from '../state/steps.ts';

/** One entry that is to go, and what we know of how it came. */
export interface EntryRemoval {
  /** Null where it is gone from the kernel already. */
  readonly entry: Entry | null;
  /** Null where it is not ours and was named. */
  readonly registration: Registration | null;
  /** What our files hold now: null where one is gone. */
  readonly files: readonly { readonly path: string; readonly now: string | null }[];
  /** Links to the emulator that are as `install` created them. */
  readonly links?: readonly EmulatorLink[] | undefined;
  readonly registrationFile: { readonly path: string; readonly text: string } | null;
}

/** The steps that take an entry back: the entry, what made it last over a reboot, and at last our note of it. */
export function planUninstall({
  entry,
  registration,
  files,
  links = [],
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
  for (const { path, target } of links) steps.push({ kind: 'link', path, target: null, previous: target });
  if (registrationFile !== null) {
    steps.push({ kind: 'delete', path: registrationFile.path, previous: registrationFile.text });
  }
  return steps;
}
