/** `verify`, which is to start fast: one file with nothing of other commands, and without commander. */
import { showProofs } from '../commands/verify.ts';
import { VERIFY_OPTIONS, type VerifyOptions } from '../commands/verify-options.ts';
import { COMMON_OPTIONS } from '../common-options.ts';
import { exitStatusOf, printFailure } from '../failure.ts';
import { readPlainLine } from '../plain-line.ts';

/** Carries a command line out and returns the exit status; all failures are printed, none is thrown. */
export async function runVerify(line: readonly string[], version: string): Promise<number> {
  const plain = readPlainLine([...VERIFY_OPTIONS, ...COMMON_OPTIONS], line.slice(1));
  if (plain === null) return (await import('../parts/commands.ts')).runCommandLine(line, version);
  const options = plain.options as unknown as VerifyOptions;
  try {
    return await showProofs(plain.words, options);
  } catch (failure) {
    printFailure(failure, { verbose: options.verbose === true, json: options.json === true });
    return exitStatusOf(failure);
  }
}
