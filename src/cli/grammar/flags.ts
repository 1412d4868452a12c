/** The flags of options, read from the table. */
import type { OptionDetails, OptionSpec } from './types.ts';

export interface Flags {
  readonly flags: string;
  readonly short: string | undefined;
  readonly long: string;
  /** In camel case: `--dry-run` is `dryRun`, `--no-color` is `color`. */
  readonly key: string;
  readonly negated: boolean;
  readonly value: 'none' | 'required' | 'attached';
  readonly details: OptionDetails;
}

const VALUES: Readonly<Record<string, Flags['value']>> = { ' ': 'required', '[=': 'attached' };

/** Reads the flags of an option. */
export function parseFlags([flags, , details = {}]: OptionSpec): Flags {
  const [, short, long = '', value = ''] = /^(?:(-\w), )?(--[\w-]+)( |\[=)?/.exec(flags) ?? [];
  const negated = long.startsWith('--no-');
  const key = long.replace(/^--(?:no-)?/, '').replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return { flags, short, long, key, negated, value: VALUES[value] ?? 'none', details };
}

/** The option that a word names, and the text that is attached to its name: `--store=DIR`, `-oFILE`. */
export function findOption(
  word: string,
  specs: readonly Flags[],
): { readonly spec: Flags | undefined; readonly text: string | null } {
  const [name = '', text = null] = word.startsWith('--')
    ? word.split(/=(.*)/s)
    : [word.slice(0, 2), word.length > 2 ? word.slice(2) : null];
  return { spec: specs.find(({ long, short }) => name === long || name === short), text };
}

/** Whether a word is an option: `-` alone is not, it usually means a standard stream. */
export const isOption = (word: string): boolean => word.startsWith('-') && word !== '-' && word !== '--';
