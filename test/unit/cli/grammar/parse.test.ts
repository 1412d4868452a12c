import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../../../src/cli/grammar/parse.ts';
import type { CommandDescription } from '../../../../src/cli/grammar/types.ts';

const MAKE: CommandDescription = {
  name: 'make',
  summary: '',
  description: '',
  words: [
    ['WHAT', ''],
    ['[HOW]', ''],
  ],
  options: [
    ['-o, --output FILE', '', { required: true }],
    ['--source SPEC', '', { repeatable: true }],
    ['--lock[=FILE]', '', { bare: 'make.lock' }],
    ['--persist[=HOW]', '', { choices: ['auto', 'none'], default: 'none', bare: 'auto' }],
    ['--dry-run', ''],
    ['--no-verify', ''],
  ],
  examples: [],
};
const RUN: CommandDescription = {
  ...MAKE,
  words: [
    ['PROGRAM', ''],
    ['[ARG...]', ''],
  ],
  inOrder: true,
};

const parsed = (line: readonly string[], command = MAKE) => {
  const result = parseCommand(command, line);
  if (typeof result === 'string') throw new Error(`asked for ${result}`);
  return result;
};
const optionsOf = (line: string) => parsed(`x -o f ${line}`.trim().split(' ')).options;
const message = (line: string, command = MAKE): string => {
  try {
    parseCommand(command, line.split(' ').filter(Boolean));
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'USAGE', hint: 'see `binfmtctl make --help`' });
    return (error as Error).message;
  }
};

describe('parseCommand', () => {
  it('gives options that are absent their defaults, common options included', () => {
    expect(optionsOf('')).toEqual({
      output: 'f',
      source: [],
      persist: 'none',
      verify: true,
      color: true,
      binfmtDir: '/proc/sys/fs/binfmt_misc',
      catalogue: [],
    });
  });

  it.each([
    ['--dry-run', { dryRun: true }],
    ['--no-verify', { verify: false }],
    ['--output=g', { output: 'g' }],
    ['--output=a=b', { output: 'a=b' }],
    ['-og', { output: 'g' }],
    ['--source a --source=b', { source: ['a', 'b'] }],
    ['--source --dry-run', { source: ['--dry-run'] }],
    ['--lock', { lock: 'make.lock' }],
    ['--lock=', { lock: '' }],
    ['--lock=other', { lock: 'other' }],
    ['--persist', { persist: 'auto' }],
    ['--persist --dry-run', { persist: 'auto', dryRun: true }],
    ['--persist=auto', { persist: 'auto' }],
    ['--json --store /s', { json: true, store: '/s' }],
    ['-q -v', { quiet: true, verbose: true }],
    ['-qv', { quiet: true, verbose: true }],
    ['-qog', { quiet: true, output: 'g' }],
  ])('reads %s', (line, expected) => {
    expect(optionsOf(line)).toMatchObject(expected);
  });

  it('leaves the word after an option whose value only stands after = alone', () => {
    expect(parsed(['--lock', 'x', '-o', 'f', '--persist', 'arm64'])).toMatchObject({ words: ['x', 'arm64'] });
  });

  it('takes words and options in any order, and only words behind --', () => {
    expect(parsed(['a', '-o', 'f', '--', '--dry-run'])).toMatchObject({
      options: { output: 'f' },
      words: ['a', '--dry-run'],
    });
  });

  it('leaves what follows the first word to another program where that is asked for', () => {
    expect(parsed(['-o', 'f', 'ls', '--dry-run', '--', '-l'], RUN).words).toEqual([
      'ls',
      '--dry-run',
      '--',
      '-l',
    ]);
    expect(parsed(['-o', 'f', '--', 'ls', '-l'], RUN).words).toEqual(['ls', '-l']);
  });

  it.each([
    ['--help', 'help'],
    ['-h', 'help'],
    ['x --help', 'help'],
    ['--nonsense --help', 'help'],
    ['-qh', 'help'],
    ['--version', 'version'],
    ['x -V', 'version'],
  ])('%s asks for %s', (line, expected) => {
    expect(parseCommand(MAKE, line.split(' '))).toBe(expected);
  });

  it.each([
    ['x -o f --nonsense', "unknown option '--nonsense'"],
    ['x -o f --dry', "unknown option '--dry' (did you mean --dry-run?)"],
    ['x -o f --dryrun', "unknown option '--dryrun' (did you mean --dry-run?)"],
    ['x -o f --dry-run=yes', "unknown option '--dry-run=yes' (did you mean --dry-run?)"],
    ['x -o f --jsn', "unknown option '--jsn' (did you mean --json?)"],
    ['x -o f -x', "unknown option '-x'"],
    ['x -o', "option '-o, --output FILE' needs a value"],
    ['x', "option '-o, --output FILE' is missing"],
    ['x -o f --persist=never', "invalid value for '--persist': 'never' (expected auto or none)"],
    ['x -o f --persist none', "'--persist' takes its value after '=': --persist=none"],
    ['-o f', 'missing argument: WHAT'],
    ['-o f a b c', "too many arguments for 'make': expected at most 2, got 3"],
  ])('refuses %s', (line, expected) => {
    expect(message(line)).toBe(expected);
  });
});
