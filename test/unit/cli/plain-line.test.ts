import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VERIFY_OPTIONS } from '../../../src/cli/commands/verify-options.ts';
import { COMMON_OPTIONS, withOptions } from '../../../src/cli/common-options.ts';
import { readPlainLine } from '../../../src/cli/plain-line.ts';

const SPECS = [...VERIFY_OPTIONS, ...COMMON_OPTIONS];

/** What commander makes of a line; null where it complains or shows the help. */
function byCommander(line: readonly string[]) {
  let words: readonly string[] = [];
  const command = withOptions(new Command('verify'), SPECS)
    .argument('[arch...]')
    .exitOverride()
    .configureOutput({ outputError: () => {}, writeErr: () => {}, writeOut: () => {} })
    .action((given: readonly string[]) => {
      words = given;
    });
  try {
    command.parse([...line], { from: 'user' });
    return { options: command.opts(), words };
  } catch {
    return null;
  }
}

const word = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('--json', '--quiet', '--verbose', '--no-color', 'arm64', 'linux/arm/v7'),
  },
  { weight: 4, arbitrary: fc.constantFrom('--store', '--binfmt-dir', '--catalogue', '--root', '/x', 'a=b') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('--store=/y', '--catalogue=/c=d', '--store=', '--json=x', '--catalogue', '/z'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '--',
      '-',
      '-h',
      '--help',
      '--js',
      '--color',
      '-x',
      '',
      '\ufffd',
      '--nonsense',
    ),
  },
);

describe('readPlainLine', () => {
  it('reads what commander reads, or leaves the line to it', () => {
    let plain = 0;
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (line) => {
        const read = readPlainLine(SPECS, line);
        if (read === null) return;
        plain++;
        // Commander gives each negation a default, which no command reads.
        expect({ ...read, options: { color: true, ...read.options } }).toEqual(byCommander(line));
      }),
      { numRuns: 5000 },
    );
    expect(plain).toBeGreaterThan(1000);
  });

  it.each([
    ['--help'],
    ['-h'],
    ['--js'],
    ['--json=x'],
    ['--store'],
    ['--store', '--json'],
    ['--'],
    ['\ufffd'],
    ['--store', '\ufffd'],
  ])('leaves %s to commander', (...line) => {
    expect(readPlainLine(SPECS, line)).toBeNull();
  });
});
