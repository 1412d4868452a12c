/** The grammar of our own commands, from their table. */
import { nearest } from '../../catalogue/nearest.ts';
import { BinfmtctlError } from '../../errors.ts';
import { COMMON_OPTIONS } from './common.ts';
import { type Flags, findOption, isOption, parseFlags } from './flags.ts';
import type { CommandDescription } from './types.ts';

type OptionValue = string | boolean | readonly string[];

export interface ParsedCommand {
  /** By name in camel case: `--dry-run` sets `dryRun`, `--no-color` sets `color` to false. */
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly words: readonly string[];
}

/** Parses the words after the name of a command. `help` or `version` if they ask for that. @throws USAGE */
export function parseCommand(
  command: CommandDescription,
  line: readonly string[],
): ParsedCommand | 'help' | 'version' {
  const specs = [...command.options, ...COMMON_OPTIONS].map(parseFlags);
  const options = defaultsOf(specs);
  const rest = [...line];
  const words: string[] = [];
  let unknown: string | undefined;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') words.push(...rest.splice(0));
    else if (!isOption(word)) words.push(word, ...(command.inOrder ? rest.splice(0) : []));
    else {
      const { spec, text } = findOption(word, specs);
      if (spec?.key === 'help' || spec?.key === 'version') return spec.key;
      if (spec?.value === 'none' && text !== null && !word.startsWith('--')) {
        // Several short options in one word: -qv.
        options[spec.key] = !spec.negated;
        rest.unshift(`-${text}`);
      } else if (spec === undefined || (spec.value === 'none' && text !== null)) unknown ??= word;
      else options[spec.key] = withValue(options[spec.key], readValue(spec, text, rest, command));
    }
  }
  if (unknown !== undefined)
    throw usageError(`unknown option '${unknown}'${suggestion(unknown, specs)}`, command);
  const missing = specs.find(({ key, details }) => details.required && options[key] === undefined);
  if (missing !== undefined) throw usageError(`option '${missing.flags}' is missing`, command);
  requireWords(words, command);
  return { options, words };
}

function defaultsOf(specs: readonly Flags[]): Record<string, OptionValue> {
  const options: Record<string, OptionValue> = {};
  for (const { key, negated, details } of specs) {
    if (negated) options[key] = true;
    else if (details.repeatable) options[key] = [];
    else if (details.default !== undefined) options[key] = details.default;
  }
  return options;
}

function readValue(
  spec: Flags,
  text: string | null,
  rest: string[],
  command: CommandDescription,
): string | boolean {
  const { flags, long, negated, value, details } = spec;
  if (value === 'none') return !negated;
  const [next = ''] = rest;
  if (value === 'attached' && text === null && details.choices?.includes(next))
    throw usageError(`'${long}' takes its value after '=': ${long}=${next}`, command);
  const found = text ?? (value === 'required' ? rest.shift() : details.bare);
  if (found === undefined) throw usageError(`option '${flags}' needs a value`, command);
  if (details.choices === undefined || details.choices.includes(found)) return found;
  const allowed = `${details.choices.slice(0, -1).join(', ')} or ${details.choices.at(-1)}`;
  throw usageError(`invalid value for '${long}': '${found}' (expected ${allowed})`, command);
}

/** A list gets one more value; any other option has the last one. */
const withValue = (
  before: OptionValue | undefined,
  value: Exclude<OptionValue, readonly string[]>,
): OptionValue => (Array.isArray(before) ? [...before, value as string] : value);

function requireWords(words: readonly string[], command: CommandDescription): void {
  const missing = command.words.find(([word], index) => !word.startsWith('[') && words[index] === undefined);
  if (missing !== undefined) throw usageError(`missing argument: ${missing[0].replace('...', '')}`, command);
  const most = command.words.some(([word]) => word.includes('...')) ? words.length : command.words.length;
  if (words.length <= most) return;
  throw usageError(
    `too many arguments for '${command.name}': expected ${most === 0 ? 'none' : `at most ${most}`}, got ${words.length}`,
    command,
  );
}

/** Options may not be shortened, so that a new one changes no command line; a shortened one is suggested. */
function suggestion(word: string, specs: readonly Flags[]): string {
  const name = word.replace(/=.*/s, '');
  const longs = specs.map(({ long }) => long);
  return didYouMean(longs.find((long) => name.length > 2 && long.startsWith(name)) ?? nearest(name, longs));
}

/** The end of a message about an unknown name. */
export const didYouMean = (near: string | null): string => (near === null ? '' : ` (did you mean ${near}?)`);

/** USAGE with the command whose help says more; null for the help of binfmtctl. */
export const usageError = (message: string, command: { readonly name: string } | null): BinfmtctlError =>
  new BinfmtctlError('USAGE', message, {
    hint: `see \`${['binfmtctl', ...(command?.name ? [command.name] : []), '--help'].join(' ')}\``,
  });
