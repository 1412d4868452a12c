/** The command line: from words to an exit status. */
import { nearest } from '../catalogue/nearest.ts';
import { BinfmtctlError } from '../errors.ts';
import { toJson } from '../text/json.ts';
import { exitStatusOf, printFailure } from './failure.ts';
import { commandFirst, outputFlags } from './grammar/common.ts';
import { commandHelp, programHelp } from './grammar/help.ts';
import { helpWidth } from './grammar/layout.ts';
import { didYouMean, parseCommand, usageError } from './grammar/parse.ts';
import { type CommandDescription, type GroupDescription, isGroup } from './grammar/types.ts';
import { requirePaths } from './paths.ts';
import { COMMANDS, HELP, PROGRAM, VERSION } from './table/index.ts';
import { requireText } from './words.ts';

/** Returns the exit status. `options` are those that the description has, and the common ones. */
export type Runner = (options: never, words: readonly string[]) => Promise<number>;

/** A command of our own. */
export interface OwnCommand {
  readonly description: CommandDescription;
  readonly run: Runner;
}

export interface CommandLine {
  readonly version: string;
  /** By the name in the table: `store list`. */
  readonly runners: Readonly<Record<string, Runner>>;
}

/** Runs a command line and returns its exit status. Prints failures instead of throwing. */
export async function runCommands(words: readonly string[], line: CommandLine): Promise<number> {
  try {
    requireText(words);
    const ordered = commandFirst(words);
    if (ordered === null) return runNone(words, line);
    const [name = '', ...rest] = ordered;
    const command = find(name, [...COMMANDS.values()], null);
    return await (isGroup(command) ? runGroup(command, rest, line) : runCommand(command, rest, line));
  } catch (failure) {
    printFailure(failure, outputFlags(words));
    return exitStatusOf(failure);
  }
}

/** Words of no command: they ask for help or version, or name an unknown option. */
function runNone(words: readonly string[], { version }: CommandLine): number {
  const parsed = parseBefore(words);
  if (parsed === 'help') return print(programHelp(PROGRAM, width(process.stdout)));
  if (parsed === 'version') return printVersion(version, words);
  return refuseNone(programHelp(PROGRAM, width(process.stderr)), words, null);
}

/** @throws USAGE that says where an option of a command belongs. */
function parseBefore(words: readonly string[]): ReturnType<typeof parseCommand> {
  try {
    return parseCommand(NO_COMMAND, words);
  } catch (error) {
    const command = words.find((word) => COMMANDS.has(word));
    if (command === undefined || !(error instanceof BinfmtctlError)) throw error;
    const hint = `options of a command follow its name: see \`binfmtctl ${command} --help\``;
    throw new BinfmtctlError('USAGE', error.message, { hint });
  }
}

/** Without a command, prints the help and fails, so that a script notices that the command is missing. @throws USAGE */
function refuseNone(help: string, words: readonly string[], group: GroupDescription | null): number {
  const failure = usageError('no command given', group);
  if (outputFlags(words).json) throw failure;
  process.stderr.write(help);
  return exitStatusOf(failure);
}

const NO_COMMAND: CommandDescription = { ...HELP, name: '', options: [] };

async function runGroup(
  group: GroupDescription,
  words: readonly string[],
  line: CommandLine,
): Promise<number> {
  const ordered = commandFirst(words);
  if (ordered !== null) {
    const [name = '', ...rest] = ordered;
    return runCommand(find(name, group.commands, group), rest, line);
  }
  const parsed = parseCommand({ ...NO_COMMAND, name: group.name }, words);
  if (parsed === 'help') return print(commandHelp(group, width(process.stdout)));
  if (parsed === 'version') return printVersion(line.version, words);
  return refuseNone(commandHelp(group, width(process.stderr)), words, group);
}

async function runCommand(
  command: CommandDescription,
  words: readonly string[],
  { version, runners }: CommandLine,
): Promise<number> {
  const parsed = parseCommand(command, words);
  if (parsed === 'help') return print(commandHelp(command, width(process.stdout)));
  if (command.isDropIn)
    throw usageError(`common options do not apply to ${command.name}: ${words.join(' ')}`, command);
  if (parsed === 'version' || command === VERSION) return printVersion(version, words);
  if (command === HELP) return showHelp(parsed.words);
  const run = runners[command.name];
  if (run === undefined) throw new Error(`main.ts runs ${command.name}`);
  requirePaths(command, parsed);
  return run(parsed.options as never, parsed.words);
}

function showHelp([name, second]: readonly string[]): number {
  if (name === undefined) return print(programHelp(PROGRAM, width(process.stdout)));
  const found = find(name, [...COMMANDS.values()], null);
  const command = isGroup(found) && second !== undefined ? find(second, found.commands, found) : found;
  return print(commandHelp(command, width(process.stdout)));
}

/** @throws USAGE that names the nearest command. */
function find<T extends { readonly name: string }>(
  name: string,
  commands: readonly T[],
  group: { readonly name: string } | null,
): T {
  const prefix = group === null ? '' : `${group.name} `;
  const found = commands.find((each) => each.name === `${prefix}${name}`);
  if (found !== undefined) return found;
  const names = commands.map((each) => each.name.slice(prefix.length));
  throw usageError(`unknown command '${name}'${didYouMean(nearest(name, names))}`, group);
}

function printVersion(version: string, words: readonly string[]): number {
  const document = toJson({ schema: 'binfmtctl/version/1', version });
  return print(outputFlags(words).json ? `${document}\n` : `${version}\n`);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** A terminal's own width, or that of COLUMNS, which shells set and scripts can pass. */
const width = ({ columns }: NodeJS.WriteStream): number =>
  helpWidth(columns ?? Number.parseInt(process.env['COLUMNS'] ?? '', 10));
