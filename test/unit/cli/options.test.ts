import { describe, expect, it } from 'vitest';
import { type CommandDescription, parseCommand } from '../../../src/cli/options.ts';

const MAKE: CommandDescription = {
  name: 'make',
  summary: '',
  description: '',
  words: [
    ['<what>', ''],
    ['[how]', ''],
  ],
  options: [
    ['-o, --output <file>', '', { required: true }],
    ['--source <spec>', '', { repeatable: true }],
    ['--lock [=file]', '', { bare: 'make.lock' }],
    ['--persist [how]', '', { choices: ['auto', 'none'], default: 'none', bare: 'auto' }],
    ['--dry-run', ''],
    ['--no-color', ''],
  ],
  examples: [],
};
const RUN: CommandDescription = {
  ...MAKE,
  words: [
    ['<program>', ''],
    ['[args...]', ''],
  ],
  inOrder: true,
};

const optionsOf = (line: string) => parseCommand(MAKE, `x -o f ${line}`.trim().split(' '))?.options;
const message = (line: string, command = MAKE): string => {
  try {
    parseCommand(command, line.split(' ').filter(Boolean));
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('`binfmtctl make --help`') });
    return (error as Error).message;
  }
};

describe('parseCommand', () => {
  it('gives options that are absent their defaults', () => {
    expect(optionsOf('')).toEqual({ output: 'f', source: [], persist: 'none', color: true });
  });

  it.each([
    ['--dry-run', { dryRun: true }],
    ['--no-color', { color: false }],
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
    ['--persist none', { persist: 'none' }],
    ['--persist=auto', { persist: 'auto' }],
  ])('reads %s', (line, expected) => {
    expect(optionsOf(line)).toMatchObject(expected);
  });

  it('leaves the word after an option whose value only stands after = alone', () => {
    expect(parseCommand(MAKE, ['--lock', 'x', '-o', 'f'])).toMatchObject({ words: ['x'] });
  });

  it('takes words and options in any order, and only words behind --', () => {
    expect(parseCommand(MAKE, ['a', '-o', 'f', '--', '--dry-run'])).toMatchObject({
      options: { output: 'f' },
      words: ['a', '--dry-run'],
    });
  });

  it('leaves what follows the first word to another program where that is asked for', () => {
    expect(parseCommand(RUN, ['-o', 'f', 'ls', '--dry-run', '--', '-l'])?.words).toEqual([
      'ls',
      '--dry-run',
      '--',
      '-l',
    ]);
    expect(parseCommand(RUN, ['-o', 'f', '--', 'ls', '-l'])?.words).toEqual(['ls', '-l']);
  });

  it.each([['--help'], ['-h'], ['x --help'], ['--nonsense --help']])('is null for %s', (line) => {
    expect(parseCommand(MAKE, line.split(' '))).toBeNull();
  });

  it.each([
    ['x -o f --nonsense', "unknown option '--nonsense'"],
    ['x -o f --dry', "unknown option '--dry' (Did you mean --dry-run?)"],
    ['x -o f --dryrun', "unknown option '--dryrun' (Did you mean --dry-run?)"],
    ['x -o f --dry-run=yes', "unknown option '--dry-run=yes' (Did you mean --dry-run?)"],
    ['x -o f -x', "unknown option '-x'"],
    ['x -o', "option '-o, --output <file>' argument missing"],
    ['x', "required option '-o, --output <file>' not specified"],
    [
      'x -o f --persist=never',
      "option '--persist [how]' argument 'never' is invalid. Allowed choices are auto, none.",
    ],
    ['-o f', "missing required argument 'what'"],
    ['-o f a b c', "too many arguments for 'make'. Expected 2 arguments but got 3."],
  ])('refuses %s', (line, expected) => {
    expect(message(line)).toBe(expected);
  });
});
