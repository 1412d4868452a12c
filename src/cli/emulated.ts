/** `run` and `enter`, which are to start fast: they load nothing of the other commands. */
import { enterCommand } from './commands/enter.ts';
import { runCommand } from './commands/run.ts';
import { emulationFailure } from './emulate.ts';
import { carryOutLine } from './line.ts';

/** Carries a command line out and returns the exit status; all failures are printed, none is thrown. */
export function runEmulated(words: readonly string[], version: string): Promise<number> {
  const commands = { run: runCommand, enter: enterCommand };
  return carryOutLine(words, { version, commands, statusOf: emulationFailure });
}
