import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../../src/cli/grammar/parse.ts';
import { isGroup } from '../../../src/cli/grammar/types.ts';
import { withSameOptions } from '../../../src/cli/store-options.ts';
import { COMMANDS } from '../../../src/cli/table/index.ts';

/** Commands that hints, messages and examples of the source print, with a value in the place of each that is filled in. */
function printedCommands(): readonly string[] {
  const folder = resolve('src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const found = files.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8').replace(/^\s*(?:\*|\/\/|\/\*\*).*$/gm, '');
    const quoted = text.matchAll(/(?:\\?`|\[['"])(?:sudo )?binfmtctl ([^`\\\n]+?)(?:\\?`|['"],)/g);
    return [...quoted].map(([, command = '']) => command);
  });
  const filled = found.map((command) =>
    command.replace(/\$\{[^{}]*\}/g, 'arm64').replace(/\$\{.*|(?:\d?>| # ).*/g, ''),
  );
  return [...new Set(filled.map((command) => command.trim()))].filter(
    (command) => /^[a-z]/.test(command) && !command.startsWith('arm64 '),
  );
}

/** Parses a command line as binfmtctl does, and runs nothing. */
function parse(line: string): void {
  const words = line.split(/\s+/).map((word) => word.replace(/^'(.*)'$/, '$1'));
  const [name = '', ...rest] = words;
  const command = COMMANDS.get(name);
  expect(command).toBeDefined();
  // Alone it is the name of a command.
  if (command === undefined || rest.length === 0) return;
  if (!isGroup(command)) {
    if (!command.isDropIn) parseCommand(command, rest);
    return;
  }
  const own = command.commands.find((each) => each.name === `${name} ${rest[0]}`);
  if (own === undefined) expect(rest).toContain('--help');
  else parseCommand(own, rest.slice(1));
}

describe('every command that a hint or an example prints', () => {
  const commands = printedCommands();

  it('is found', () => {
    expect(commands.length).toBeGreaterThan(50);
    expect(commands).toContain('install arm64');
  });

  it.each(commands)('is one that binfmtctl has: %s', (command) => {
    expect(() => parse(command)).not.toThrow();
  });
});

describe('withSameOptions', () => {
  const line = ['install', 'arm64', '--store', '/a b', '--binfmt-dir=/mnt', '--', '--store', 'x'];

  it('adds the options for store and instance to each command', () => {
    expect(withSameOptions('run `binfmtctl install arm64`, or `sudo binfmtctl run -- a`', line)).toBe(
      "run `binfmtctl install arm64 --store '/a b' --binfmt-dir /mnt`, or `sudo binfmtctl run --store '/a b' --binfmt-dir /mnt -- a`",
    );
  });

  it.each([
    'on the host, run `binfmtctl install arm64 --persist`',
    'on the host of this container (docker), as root: `binfmtctl install arm64`',
  ])('does not name the store of a container to its host: %s', (hint) => {
    expect(withSameOptions(hint, line)).toBe(hint);
  });

  it('adds them to a command that follows one for the host', () => {
    expect(withSameOptions('on the host, run `binfmtctl status`; here, run `binfmtctl status`', line)).toBe(
      "on the host, run `binfmtctl status`; here, run `binfmtctl status --store '/a b' --binfmt-dir /mnt`",
    );
  });

  it('changes nothing without such options, and no other command', () => {
    expect(withSameOptions('`binfmtctl install arm64`', ['status'])).toBe('`binfmtctl install arm64`');
    expect(withSameOptions('`chmod 755 x`, `binfmtctl catalogue list`', line)).toBe(
      '`chmod 755 x`, `binfmtctl catalogue list`',
    );
  });
});
