/** `status` must start fast: this bundle contains no other command and does not load Node's streams. */
import { statusCommand } from '../commands/status.ts';
import { runAlone } from '../run-alone.ts';

/** Runs a command line and returns its exit status. Prints failures instead of throwing. */
export const runStatus = (line: readonly string[], version: string): Promise<number> =>
  runAlone(statusCommand, line, version);
