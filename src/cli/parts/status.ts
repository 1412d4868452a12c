/** `status`, which is to start fast: one file with nothing of other commands, without commander and Node's streams. */
import { showStatus } from '../commands/status.ts';
import { COMMON_OPTIONS, type CommonOptions } from '../common-options.ts';
import { exitStatusOf, printFailure } from '../failure.ts';
import { guardStreams } from '../output/streams.ts';
import { readPlainLine } from '../plain-line.ts';

/** Carries a command line out and returns the exit status; all failures are printed, none is thrown. */
export async function runStatus(line: readonly string[], version: string): Promise<number> {
  const plain = readPlainLine(COMMON_OPTIONS, line.slice(1));
  if (plain === null || plain.words.length > 0) {
    guardStreams();
    return (await import('../parts/commands.ts')).runCommandLine(line, version);
  }
  const options = plain.options as unknown as CommonOptions;
  try {
    return await showStatus(options);
  } catch (failure) {
    guardStreams();
    printFailure(failure, { verbose: options.verbose === true, json: options.json === true });
    return exitStatusOf(failure);
  }
}
