/** The grammar of our own commands: options as a table, from which parsing, usage errors and help come. */
import { nearest } from '../catalogue/nearest.ts';
import { BinfmtctlError } from '../errors.ts';

/** Flags as help shows them: `-o, --output <file>`; `[how]` may be a word of its own, `[=file]` only stands after `=`. */
export type OptionSpec = readonly [flags: string, description: string, details?: OptionDetails];

export interface OptionDetails {
  readonly default?: string;
  /** May be given several times; its value is a list. */
  readonly repeatable?: boolean;
  readonly choices?: readonly string[];
  /** The value of an option without one, where it may be omitted. */
  readonly bare?: string;
  readonly required?: boolean;
}

/** What the help of a command shows, and its command line is parsed by. */
export interface CommandDescription {
  /** With the name of its group: `store list`. */
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  /** Words of the command line, as help shows them: `<required>`, `[optional]`, `[any...]`. */
  readonly words: readonly (readonly [word: string, what: string])[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly [command: string, what: string][];
  /** Whether the first word ends the options: what follows is another program's. */
  readonly inOrder?: boolean;
}

type OptionValue = string | boolean | readonly string[];

export interface ParsedCommand {
  /** By name in camel case: `--dry-run` sets `dryRun`, `--no-color` sets `color` to false. */
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly words: readonly string[];
}

/** Parses the words behind the name of a command; null if they ask for help. @throws USAGE */
export function parseCommand(command: CommandDescription, line: readonly string[]): ParsedCommand | null {
  const specs = command.options.map(parseFlags);
  const options: Record<string, OptionValue> = {};
  for (const { key, negated, details } of specs) {
    if (negated) options[key] = true;
    else if (details.repeatable) options[key] = [];
    else if (details.default !== undefined) options[key] = details.default;
  }
  const rest = [...line];
  const words: string[] = [];
  let unknown: string | undefined;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') words.push(...rest.splice(0));
    else if (!word.startsWith('-') || word === '-')
      words.push(word, ...(command.inOrder ? rest.splice(0) : []));
    else if (word === '--help' || word === '-h') return null;
    else {
      const { spec, text } = findOption(word, specs);
      if (spec === undefined || (spec.value === 'none' && text !== null)) unknown ??= word;
      else options[spec.key] = withValue(options[spec.key], readValue(spec, text, rest, command));
    }
  }
  if (unknown !== undefined)
    throw usageError(`unknown option '${unknown}'${suggestion(unknown, specs)}`, command);
  const missing = specs.find(({ key, details }) => details.required && options[key] === undefined);
  if (missing !== undefined) throw usageError(`required option '${missing.flags}' not specified`, command);
  requireWords(words, command);
  return { options, words };
}

interface ParsedFlags {
  readonly flags: string;
  readonly short: string | undefined;
  readonly long: string;
  readonly key: string;
  readonly negated: boolean;
  readonly value: 'none' | 'required' | 'optional' | 'attached';
  readonly details: OptionDetails;
}

function parseFlags([flags, , details = {}]: OptionSpec): ParsedFlags {
  const [, short, long = '', value] = /^(?:(-\w), )?(--[\w-]+)(?: (<|\[=?))?/.exec(flags) ?? [];
  const negated = long.startsWith('--no-');
  const key = long.replace(/^--(?:no-)?/, '').replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const kinds = { '<': 'required', '[': 'optional', '[=': 'attached' } as const;
  return { flags, short, long, key, negated, value: kinds[value as keyof typeof kinds] ?? 'none', details };
}

/** The option that a word names, and the value within the word. */
function findOption(
  word: string,
  specs: readonly ParsedFlags[],
): { readonly spec: ParsedFlags | undefined; readonly text: string | null } {
  const [name = '', text = null] = word.startsWith('--')
    ? word.split(/=(.*)/s)
    : [word.slice(0, 2), word.length > 2 ? word.slice(2) : null];
  return { spec: specs.find(({ long, short }) => name === long || name === short), text };
}

function readValue(
  { flags, negated, value, details }: ParsedFlags,
  text: string | null,
  rest: string[],
  command: CommandDescription,
): string | boolean {
  if (value === 'none') return !negated;
  const takesNext = value === 'required' || (value === 'optional' && !/^-./.test(rest[0] ?? '-x'));
  const found = text ?? (takesNext ? rest.shift() : details.bare);
  if (found === undefined) throw usageError(`option '${flags}' argument missing`, command);
  if (details.choices !== undefined && !details.choices.includes(found)) {
    const allowed = details.choices.join(', ');
    throw usageError(
      `option '${flags}' argument '${found}' is invalid. Allowed choices are ${allowed}.`,
      command,
    );
  }
  return found;
}

/** A list gets one more value; any other option has the last one. */
const withValue = (
  before: OptionValue | undefined,
  value: Exclude<OptionValue, readonly string[]>,
): OptionValue => (Array.isArray(before) ? [...before, value as string] : value);

function requireWords(words: readonly string[], command: CommandDescription): void {
  const missing = command.words.find(([word], index) => word.startsWith('<') && words[index] === undefined);
  if (missing !== undefined)
    throw usageError(`missing required argument '${missing[0].replace(/\W/g, '')}'`, command);
  const most = command.words.some(([word]) => word.includes('...')) ? words.length : command.words.length;
  if (words.length <= most) return;
  const expected = `${most} ${most === 1 ? 'argument' : 'arguments'}`;
  throw usageError(
    `too many arguments for '${command.name}'. Expected ${expected} but got ${words.length}.`,
    command,
  );
}

/** Options may not be shortened, so that a new one changes no command line; a shortened one is suggested. */
function suggestion(word: string, specs: readonly ParsedFlags[]): string {
  const name = word.replace(/=.*/s, '');
  const longs = [...specs.map(({ long }) => long), '--help'];
  const near = longs.find((long) => name.length > 2 && long.startsWith(name)) ?? nearest(name, longs);
  return near === null ? '' : ` (Did you mean ${near}?)`;
}

/** USAGE with the command whose help says more; null for the help of all. */
export const usageError = (
  message: string,
  command: Pick<CommandDescription, 'name'> | null,
): BinfmtctlError =>
  new BinfmtctlError('USAGE', message, {
    hint: `\`binfmtctl ${command === null ? '' : `${command.name} `}--help\` shows what there is`,
  });
