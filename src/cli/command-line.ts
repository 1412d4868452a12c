/** The command line: from words to an exit status. */
import { nearest } from '../catalogue/nearest.ts';
import { exitStatusOf, printFailure } from './failure.ts';
import { type CommandDescription, parseCommand, usageError } from './options.ts';
import { requireText } from './words.ts';

/** A command of our own. */
export interface OwnCommand {
  readonly description: CommandDescription;
  /** Returns the exit status; `options` are those that the description has. */
  readonly run: (options: never, words: readonly string[]) => Promise<number>;
}

/** Commands of two words: `store list`. */
export interface CommandGroup {
  readonly summary: string;
  readonly description: string;
  readonly commands: Readonly<Record<string, OwnCommand>>;
}

export interface CommandLine {
  readonly version: string;
  readonly commands: Readonly<Record<string, OwnCommand | CommandGroup>>;
  /** Of the help of all. */
  readonly examples: string;
}

/** Runs a command line and returns its exit status. Prints failures instead of throwing. */
export async function runCommands(words: readonly string[], line: CommandLine): Promise<number> {
  try {
    requireText(words);
    const [first = '', second] = words;
    if (first === 'help' && second !== undefined && !HELP.includes(second))
      named(second, line.commands, null);
    if (first === '--version' || first === '-V' || HELP.includes(first)) return await help(words, line);
    const [name, command, rest] = choose(words, line.commands);
    if (command === null) return await help(words, line);
    const parsed = parseCommand(command.description, rest);
    if (parsed === null) return await help([...name, '--help'], line);
    return await command.run(parsed.options as never, parsed.words);
  } catch (failure) {
    printFailure(failure, { verbose: words.includes('--verbose'), json: words.includes('--json') });
    return exitStatusOf(failure);
  }
}

const HELP = ['help', '--help', '-h'];

const help = async (words: readonly string[], line: CommandLine): Promise<number> =>
  (await import('./help.ts')).showHelp(words, line);

type Choice = readonly [name: readonly string[], command: OwnCommand | null, rest: readonly string[]];

/** The command that words begin with; null for a group whose help they ask for. @throws USAGE */
function choose(words: readonly string[], commands: CommandLine['commands']): Choice {
  const [first, ...rest] = words;
  const command = named(first, commands, null);
  if (!('commands' in command)) return [[first ?? ''], command, rest];
  const [second, ...others] = rest;
  if (second !== undefined && HELP.includes(second)) return [[first ?? ''], null, []];
  return [[first ?? '', second ?? ''], named(second, command.commands, { name: first ?? '' }), others];
}

function named<T>(
  word: string | undefined,
  commands: Readonly<Record<string, T>>,
  group: { readonly name: string } | null,
): T {
  if (word === undefined) throw usageError('no command given', group);
  if (word.startsWith('-')) throw usageError(`unknown option '${word}'`, group);
  const command = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (command !== undefined) return command;
  const near = nearest(word, Object.keys(commands));
  throw usageError(`unknown command '${word}'${near === null ? '' : ` (Did you mean ${near}?)`}`, group);
}
