/** `run` and `enter`, which are to start fast: they load nothing of the other commands, and no help. */
import { enter } from '../commands/enter.ts';
import { run } from '../commands/run.ts';
import { type EmulateOptions, emulationFailure, reportFailure } from '../emulation/emulate.ts';
import { printFailure } from '../failure.ts';
import { parseCommand, usageError } from '../grammar/parse.ts';
import { guardStreams } from '../output/streams.ts';
import { ENTER, RUN } from '../table/emulation.ts';
import { requireText } from '../words.ts';

/** Runs a command line and returns its exit status. Prints failures instead of throwing. */
export async function runEmulated(line: readonly string[], version: string): Promise<number> {
  const [command, execute] = line[0] === 'run' ? [RUN, run] : [ENTER, enter];
  const { name, words: expected } = command;
  let options: EmulateOptions | undefined;
  try {
    requireText(line, SHELL_HINT);
    const parsed = parseCommand(command, line.slice(1));
    if (typeof parsed === 'string') {
      guardStreams({ silent: true });
      return await (await import('./commands.ts')).runCommandLine([name, `--${parsed}`], version);
    }
    const { words } = parsed;
    options = parsed.options as unknown as EmulateOptions;
    if (words[0] === '') throw usageError(`${expected[0]?.[0]} is empty`, command);
    return await execute(options as never, words);
  } catch (failure) {
    guardStreams({ silent: true });
    reportFailure(failure, options ?? {});
    printFailure(failure, { verbose: options?.verbose === true, json: options?.json === true });
    return emulationFailure(failure);
  }
}

const SHELL_HINT = "let a shell inside name the file: `binfmtctl run -- sh -c 'PROGRAM caf*'`";
