/** Help and version, as commander shows them. It is loaded for them alone. */
import { Command, CommanderError, Option } from 'commander';
import type { CommandGroup, CommandLine, OwnCommand } from './command-line.ts';
import { examples } from './common-options.ts';
import { exitStatusOf, printFailure } from './failure.ts';
import { type CommandDescription, type OptionSpec, usageError } from './options.ts';

/** Shows the help or version that the words ask for: `help install`, `store list --help`, `--version`. Returns the exit status. */
export function showHelp(
  words: readonly string[],
  { version, commands, examples: shown }: CommandLine,
): number {
  const program = new Command('binfmtctl')
    .description(
      'Run any Linux program on any Linux machine: finds or fetches the emulator, registers it with the kernel, proves that it works',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .addHelpText('after', shown);
  for (const [name, command] of Object.entries(commands)) program.addCommand(helpOf(name, command));
  quieten(program);
  try {
    program.parse([...words], { from: 'user' });
    return 0;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    const message =
      error.code === 'commander.help'
        ? 'no command given'
        : error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    const failure = usageError(message, null);
    printFailure(failure, { verbose: words.includes('--verbose'), json: words.includes('--json') });
    return exitStatusOf(failure);
  }
}

function helpOf(name: string, command: OwnCommand | CommandGroup): Command {
  if (!('commands' in command)) return describe(name, command.description);
  const group = new Command(name).summary(command.summary).description(command.description);
  for (const [each, own] of Object.entries(command.commands))
    group.addCommand(describe(each, own.description));
  return group;
}

function describe(
  name: string,
  { summary, description, words, options, examples: shown }: CommandDescription,
): Command {
  const command = new Command(name)
    .summary(summary)
    .description(description)
    .helpOption('-h, --help', 'show this help');
  for (const [word, what] of words) command.argument(word, what);
  for (const spec of options) command.addOption(optionOf(spec));
  return shown.length === 0 ? command : command.addHelpText('after', examples(shown));
}

function optionOf([flags, description, details = {}]: OptionSpec): Option {
  const option = new Option(flags, description);
  if (details.choices !== undefined) option.choices([...details.choices]);
  if (details.default !== undefined) option.default(details.default);
  if (details.bare !== undefined && !flags.includes('[=')) option.preset(details.bare);
  return option;
}

/** Errors come as exceptions and are printed in one form. */
function quieten(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => {}, writeErr: () => {} });
  for (const each of command.commands) quieten(each);
}
