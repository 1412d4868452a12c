/** `status`, which is to start fast: one file with nothing of other commands, without Node's streams. */
import { statusCommand } from '../commands/status.ts';
import { runAlone } from '../run-alone.ts';

/** Runs a command line and returns its exit status. Prints failures instead of throwing. */
export const runStatus = (line: readonly string[], version: string): Promise<number> =>
  runAlone(statusCommand, line, version);
