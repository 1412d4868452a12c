/** Runs a command whose bundle contains no other command. */
import type { OwnCommand } from './command-line.ts';
import { exitStatusOf, printFailure } from './failure.ts';
import { outputFlags } from './grammar/common.ts';
import { parseCommand } from './grammar/parse.ts';
import { guardStreams } from './output/streams.ts';
import { requirePaths } from './paths.ts';
import { requireText } from './words.ts';

/** Runs the command that a command line names and returns its exit status. Prints failures instead of throwing. */
export async function runAlone(
  { description, run }: OwnCommand,
  line: readonly string[],
  version: string,
): Promise<number> {
  try {
    requireText(line);
    const parsed = parseCommand(description, line.slice(1));
    if (typeof parsed === 'object') {
      requirePaths(description, parsed);
      return await run(parsed.options as never, parsed.words);
    }
    guardStreams();
    return await (await import('./parts/commands.ts')).runCommandLine(line, version);
  } catch (failure) {
    guardStreams();
    printFailure(failure, outputFlags(line));
    return exitStatusOf(failure);
  }
}
