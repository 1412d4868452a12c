/** `run` and `enter` must start fast: this bundle contains no other command and no help. */
import { enter } from '../commands/enter.ts';
import { run } from '../commands/run.ts';
import { type EmulateOptions, emulationFailure, reportFailure } from '../emulation/emulate.ts';
import { printFailure } from '../failure.ts';
import { outputFlags } from '../grammar/common.ts';
import { parseCommand, usageError } from '../grammar/parse.ts';
import { guardStreams } from '../output/streams.ts';
import { requirePaths } from '../paths.ts';
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
    requirePaths(command, parsed);
    return await execute(options as never, words);
  } catch (failure) {
    guardStreams({ silent: true });
    reportFailure(failure, options ?? {});
    // If the options could not be read, no program was started.
    const isEmulating = options !== undefined && options.dryRun !== true;
    printFailure(failure, options === undefined ? outputFlags(line) : { ...shown(options), isEmulating });
    return emulationFailure(failure);
  }
}

const shown = ({ verbose, json }: EmulateOptions) => ({ verbose: verbose === true, json: json === true });

const SHELL_HINT = "let a shell inside name the file: `binfmtctl run -- sh -c 'PROGRAM caf*'`";
