/** `verify`, which is to start fast: one file with nothing of other commands. */
import { verifyCommand } from '../commands/verify.ts';
import { runAlone } from '../run-alone.ts';

/** Runs a command line and returns its exit status. Prints failures instead of throwing. */
export const runVerify = (line: readonly string[], version: string): Promise<number> =>
  runAlone(verifyCommand, line, version);
