import { Command, Option } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { installCommand } from '../../../src/cli/commands/install.ts';
import { VERIFY } from '../../../src/cli/descriptions.ts';
import { type CommandDescription, parseCommand } from '../../../src/cli/options.ts';

/** What commander makes of a line; null where it complains or shows the help. */
function byCommander({ words: expected, options }: CommandDescription, line: readonly string[]) {
  let words: readonly string[] = [];
  const command = new Command()
    .exitOverride()
    .configureOutput({ outputError: () => {}, writeErr: () => {}, writeOut: () => {} })
    .action((given: readonly string[]) => {
      words = given;
    });
  for (const [word] of expected) command.argument(word);
  for (const [flags, description, details = {}] of options) {
    const option = new Option(flags, description).makeOptionMandatory(details.required === true);
    if (details.choices !== undefined) option.choices([...details.choices]);
    if (details.default !== undefined) option.default(details.default);
    if (details.bare !== undefined) option.preset(details.bare);
    if (details.repeatable)
      option.default([]).argParser((value, before: readonly string[]) => [...before, value]);
    command.addOption(option);
  }
  try {
    command.parse([...line], { from: 'user' });
    return { options: command.opts(), words };
  } catch {
    return null;
  }
}

function byUs(command: CommandDescription, line: readonly string[]) {
  try {
    return parseCommand(command, line);
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
  { weight: 3, arbitrary: fc.constantFrom('--persist', '--persist=none', '--persist=x', 'auto', '--all') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('--store=/y', '--catalogue=/c=d', '--store=', '--json=x', '--no-verify', '/z'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('--', '-', '-h', '--help', '--js', '--color', '-x', '', '--nonsense'),
  },
);

// Options such as `--lock [=file]` are not commander's: it gives them the next word.
const INSTALL: CommandDescription = {
  ...installCommand.description,
  options: installCommand.description.options.filter(([flags]) => !flags.includes('[=')),
};

describe('parseCommand', () => {
  it.each([VERIFY, INSTALL])('reads lines of $name as commander does', (command) => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (line) => {
        const read = byUs(command, line);
        if (read !== null) accepted++;
        expect(read).toEqual(byCommander(command, line));
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(200);
  });
});
