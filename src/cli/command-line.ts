/** The command line: from words to an exit status. */
import { Command, CommanderError } from 'commander';
import { BinfmtctlError } from '../errors.ts';
import { withBareOptions } from './common-options.ts';
import { exitStatusOf, printFailure } from './failure.ts';
import { requireText } from './words.ts';

/** Defines a command; `done` gets its exit status. */
export type DefineCommand = (done: (status: number) => void) => Command;

export interface CommandLine {
  readonly version: string;
  readonly commands: Readonly<Record<string, DefineCommand>>;
  /** Of the program's own help. */
  readonly examples?: string | undefined;
}

/** Runs a command line and returns its exit status. Prints failures instead of throwing. */
export async function runCommands(
  words: readonly string[],
  { version, commands, examples = '' }: CommandLine,
): Promise<number> {
  let status = 0;
  const done = (result: number): void => {
    status = result;
  };
  const program = new Command('binfmtctl')
    .description(
      'Run any Linux program on any Linux machine: finds or fetches the emulator, registers it with the kernel, proves that it works',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .addHelpText('after', examples);
  // To define a command takes a millisecond: where one is named, it is the only one that is needed.
  const command = Object.hasOwn(commands, words[0] ?? '') ? commands[words[0] ?? ''] : undefined;
  for (const define of command ? [command] : Object.values(commands)) program.addCommand(define(done));
  quieten(program);
  try {
    requireText(words);
    await program.parseAsync(withBareOptions(words), { from: 'user' });
    return status;
  } catch (failure) {
    if (failure instanceof CommanderError && failure.exitCode === 0) return 0;
    const error = failure instanceof CommanderError ? usageError(failure, words) : failure;
    printFailure(error, { verbose: words.includes('--verbose'), json: words.includes('--json') });
    return exitStatusOf(error);
  }
}

/** Errors come to runCommandLine as exceptions and are printed there, in one form. */
function quieten(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => {}, writeErr: () => {} });
  for (const each of command.commands) quieten(each);
}

function usageError({ code, message }: CommanderError, words: readonly string[]): BinfmtctlError {
  if (code === 'commander.help') {
    return new BinfmtctlError('USAGE', 'no command given', { hint: '`binfmtctl --help` lists the commands' });
  }
  const [command = '-'] = words;
  const known = !command.startsWith('-') && code !== 'commander.unknownCommand';
  const help = known ? `binfmtctl ${command} --help` : 'binfmtctl --help';
  return new BinfmtctlError('USAGE', message.replace(/^error: /, '').replaceAll('\n', ' '), {
    hint: `\`${help}\` shows what there is`,
  });
}
