/** `verify`, which is to start fast: one file with nothing of other commands. */
import { showProofs } from '../commands/verify.ts';
import { VERIFY, type VerifyOptions } from '../commands/verify-command.ts';
import { runAlone } from '../run-alone.ts';

/** Runs a command line and returns its exit status. Prints failures instead of throwing. */
export const runVerify = (line: readonly string[], version: string): Promise<number> =>
  runAlone(
    {
      description: VERIFY,
      run: (options: VerifyOptions, arches: readonly string[]) => showProofs(arches, options),
    },
    line,
    version,
  );
