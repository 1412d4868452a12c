/** `verify` must start fast: this bundle contains no other command. */
import { verifyCommand } from '../commands/verify.ts';
import { runAlone } from '../run-alone.ts';

/** Runs a command line and returns its exit status. Prints failures instead of throwing. */
export const runVerify = (line: readonly string[], version: string): Promise<number> =>
  runAlone(verifyCommand, line, version);
