import { BINFMT_DIRECTORY } from '../binfmt/directory.ts';
import { BinfmtctlError } from '../errors.ts';
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
  ['--binfmt-dir <dir>', 'which binfmt_misc instance', { default: BINFMT_DIRECTORY }],
  ['--store <dir>', 'where emulators are kept (default: /var/lib/binfmtctl for root, else in your home)'],
  ['--catalogue <dir>', 'a folder of profiles of your own (repeatable)', { repeatable: true }],
];

/** The option of all commands with `--source`. */
export const ALLOW_UNVERIFIED: OptionSpec = [
  '--allow-unverified',
  'take from url:URL without sha256, unless it comes over plain HTTP from another machine',
];

/** USAGE for `--all` together with names: one of them would go unheard. */
export function namesAndAllError(command: string, names: string): BinfmtctlError {
  return new BinfmtctlError('USAGE', `${command} takes ${names} or --all, not both`, {
    hint: `\`binfmtctl ${command} --help\` shows examples`,
  });
}

/** The examples part of a help text. */
export function examples(shown: readonly [string, string][]): string {
  const width = Math.max(...shown.map(([command]) => command.length));
  return `\nExamples:\n${shown.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`).join('\n')}`;
}
