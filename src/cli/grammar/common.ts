import { BINFMT_DIRECTORY } from '../../binfmt/directory.ts';
import { findOption, isOption, parseFlags } from './flags.ts';
import type { OptionSpec } from './types.ts';

/** Options of every command, before or after its name. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  ['--json', 'print one JSON document on standard output'],
  ['-q, --quiet', 'print no progress and no warnings'],
  ['-v, --verbose', 'print details, and the origin of an error'],
  ['--no-color', 'print no colors, as with the variable NO_COLOR'],
  [
    '--binfmt-dir DIR',
    'the mount point of the binfmt_misc instance',
    { default: BINFMT_DIRECTORY, path: 'directory' },
  ],
  [
    '--store DIR',
    'the directory that keeps emulators (default: /var/lib/binfmtctl for root, else ~/.local/share/binfmtctl)',
    { path: 'new directory' },
  ],
  ['--catalogue DIR', 'a directory with your own profiles', { repeatable: true, path: 'directory' }],
  ['-h, --help', 'show this help'],
  ['-V, --version', 'print the version'],
];

/**
 * The words with the command's name first, if all words before it are common options: `--json status` becomes `status
 * --json`. Null if no command is named.
 */
export function commandFirst(words: readonly string[]): readonly string[] | null {
  const specs = COMMON_OPTIONS.map(parseFlags);
  for (let at = 0; at < words.length; ) {
    const word = words[at] ?? '';
    if (word === '--') return null;
    if (!isOption(word)) return [word, ...words.slice(0, at), ...words.slice(at + 1)];
    const { spec, text } = findOption(word, specs);
    if (spec === undefined) return null;
    at += spec.value === 'required' && text === null ? 2 : 1;
  }
  return null;
}

/** What a failure's output depends on, where the command line itself may be what is wrong. */
export function outputFlags(words: readonly string[]): { readonly verbose: boolean; readonly json: boolean } {
  const ours = words.slice(0, [...words, '--'].indexOf('--'));
  return {
    verbose: ours.includes('--verbose') || ours.includes('-v'),
    json: ours.includes('--json'),
  };
}
