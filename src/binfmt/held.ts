/** With flag F the kernel opens the interpreter at registration and keeps that file, whatever happens to its path. */
import type { Entry } from '../rule/types.ts';

/** How the file that the kernel runs for an entry compares with the file at the path of its interpreter. */
export type HeldState = 'same' | 'replaced' | 'gone';

/** An entry whose file may have changed. */
export interface HeldEntry {
  readonly entry: Pick<Entry, 'name' | 'interpreter'>;
  /** Id of the arch that it serves. */
  readonly arch: string;
  /** Whether binfmtctl registered it. */
  readonly ours: boolean;
  readonly held: HeldState | null;
}

/**
 * Why an entry has to be registered again, with the command that does so; null if it need not be.
 *
 * An entry that others registered from a container has no file here. It works, so nothing has to be done.
 */
export function restartNote({ entry, arch, ours, held }: HeldEntry): string | null {
  const { name, interpreter } = entry;
  if (held === null || held === 'same' || (held === 'gone' && !ours)) return null;
  const command = `binfmtctl install ${arch}${ours ? '' : ' --replace'}`;
  if (held === 'gone')
    return `restart needed: ${interpreter} was removed, and entry ${name} still runs it; \`${command}\` finds another emulator`;
  const what = ours ? 'takes the new one' : 'registers an emulator of this machine';
  return `restart needed: entry ${name} does not run the file that is at ${interpreter} now; \`${command}\` ${what}`;
}
