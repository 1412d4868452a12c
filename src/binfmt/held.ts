/** With flag F, the kernel opens the interpreter at registration and keeps that file even if its path changes. */
import type { Entry } from '../rule/types.ts';

/** How the file that the kernel runs for an entry compares with the file at the path of its interpreter. */
export type HeldState = 'same' | 'replaced' | 'gone';

/** An entry whose interpreter may have changed. */
export interface HeldEntry {
  readonly entry: Pick<Entry, 'name' | 'interpreter'>;
  /** Id of the arch whose programs it runs. */
  readonly arch: string;
  /** Whether binfmtctl registered it. */
  readonly ours: boolean;
  readonly held: HeldState | null;
}

/**
 * Explains why an entry must be registered again, with the command. Null if it need not be.
 *
 * An entry that another tool registered from a container has no file here but works, so it gets no note.
 */
export function restartNote({ entry, arch, ours, held }: HeldEntry): string | null {
  const { name, interpreter } = entry;
  if (held === null || held === 'same' || (held === 'gone' && !ours)) return null;
  const command = `binfmtctl install ${arch}${ours ? '' : ' --replace'}`;
  if (held === 'gone')
    return `restart needed: ${interpreter} was removed, but entry ${name} still runs it; \`${command}\` registers another emulator`;
  const what = ours ? 'registers that file' : 'registers an emulator of this machine';
  return `restart needed: entry ${name} does not run the current file at ${interpreter}; \`${command}\` ${what}`;
}
