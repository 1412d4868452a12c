import type { Command } from 'commander';
import { BINFMT_DIRECTORY } from '../binfmt/directory.ts';
import { BinfmtctlError } from '../errors.ts';
import { LOCK_FILE } from '../lockfile/name.ts';
import type { OptionSpec } from './options.ts';

/** What they say. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly binfmtDir: string;
  readonly store?: string;
  readonly catalogue: readonly string[];
}

/** Options that every command has. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  ['--json', 'print one JSON document on standard output'],
  ['--quiet', 'no progress, no warnings'],
  ['--verbose', 'say more; show where an error comes from'],
  ['--no-color', 'no colours (also NO_COLOR)'],
  ['--binfmt-dir <dir>', 'which binfmt_misc instance', BINFMT_DIRECTORY],
  ['--store <dir>', 'where emulators are kept (default: /var/lib/binfmtctl for root, else in your home)'],
  ['--catalogue <dir>', 'a folder of profiles of your own (repeatable)', []],
];

/** Adds options of a table to a command. */
export function withOptions(command: Command, options: readonly OptionSpec[]): Command {
  for (const [flags, description, fallback] of options) {
    if (typeof fallback === 'object') command.option(flags, description, collect, []);
    else command.option(flags, description, fallback);
  }
  return command;
}

/** Adds the options that every command has, and the examples of its help. */
export function withCommon(command: Command, shown: readonly [string, string][]): Command {
  return withOptions(command, COMMON_OPTIONS)
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', examples(shown));
}

/** The option of all commands with `--source`. */
export const ALLOW_UNVERIFIED = [
  '--allow-unverified',
  'take from url:URL without sha256, unless it comes over plain HTTP from another machine',
] as const;

/** Commands with `--lock` or `--locked`. */
/** The value of an option without one, by command. With a value in a word of its own it would swallow an architecture. */
const BARE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  install: { '--lock': LOCK_FILE, '--locked': LOCK_FILE, '--credentials': 'always' },
  bundle: { '--lock': LOCK_FILE, '--locked': LOCK_FILE },
};

/** Gives options that take a value after `=` alone the value that they have without one: `--lock arm64` names an architecture. */
export function withBareOptions(words: readonly string[]): string[] {
  const [command = ''] = words;
  const values = Object.hasOwn(BARE, command) ? BARE[command] : undefined;
  const end = [...words, '--'].indexOf('--');
  return words.map((word, index) => {
    const isBare = values !== undefined && index < end && Object.hasOwn(values, word);
    return isBare ? `${word}=${values[word]}` : word;
  });
}

/** USAGE for `--all` together with names: one of them would go unheard. */
export function namesAndAllError(command: string, names: string): BinfmtctlError {
  return new BinfmtctlError('USAGE', `${command} takes ${names} or --all, not both`, {
    hint: `\`binfmtctl ${command} --help\` shows examples`,
  });
}

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** The examples part of a help text. */
export function examples(shown: readonly [string, string][]): string {
  const width = Math.max(...shown.map(([command]) => command.length));
  return `\nExamples:\n${shown.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`).join('\n')}`;
}
