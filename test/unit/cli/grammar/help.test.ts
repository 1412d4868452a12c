import { describe, expect, it } from 'vitest';
import { commandHelp, programHelp } from '../../../../src/cli/grammar/help.ts';
import { columns, helpWidth, wrap } from '../../../../src/cli/grammar/layout.ts';
import { type CommandDescription, isGroup } from '../../../../src/cli/grammar/types.ts';
import { COMMANDS, PROGRAM } from '../../../../src/cli/table/index.ts';

const all = [...COMMANDS.values()];
const commands: readonly CommandDescription[] = all.flatMap((each) =>
  isGroup(each) ? each.commands : [each],
);
const ownCommands = commands.filter(({ isDropIn }) => !isDropIn);
const longest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

describe('help', () => {
  it.each([60, 80, 120])('fits into %i columns', (width) => {
    const texts = [
      programHelp(PROGRAM, width),
      ...[...all, ...commands].map((each) => commandHelp(each, width)),
    ];
    // An example is one line to paste, however long it is.
    const wide = texts
      .flatMap((text) => text.split('\n'))
      .filter((line) => line.length > width && !/^ {2}binfmtctl \S/.test(line));
    expect(wide).toEqual([]);
  });

  it('lists every command with its summary', () => {
    const text = programHelp(PROGRAM, 100);
    for (const { name, summary } of all)
      expect(text).toMatch(new RegExp(`^ {2}${name} +${summary.slice(0, 10)}`, 'm'));
  });

  it('of a group lists its commands with their summaries', () => {
    for (const group of all.filter(isGroup)) {
      const text = commandHelp(group, 80);
      for (const { name, summary } of group.commands)
        expect(text).toMatch(new RegExp(`^ {2}${name.split(' ')[1]} +${summary}`, 'm'));
    }
  });

  it.each(ownCommands)('of $name has examples, its options, and the common ones', (command) => {
    const text = commandHelp(command, 80);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const [flags] of command.options) expect(text).toContain(flags);
    expect(text).toContain('\nCommon options:\n      --json  ');
    expect(text).toContain(`\nExamples:\n  binfmtctl ${command.name}`);
  });

  it('names choices and defaults, and no empty ones', () => {
    const text = programHelp(PROGRAM, 80) + ownCommands.map((each) => commandHelp(each, 80)).join('');
    expect(text).toMatch(/\(auto, binfmt\.d, binfmt-support, none; default:\s+none\)/);
    expect(text).not.toMatch(/\[\]|\(\)|undefined|\) \(/);
  });

  it('of a drop-in shows no common options', () => {
    const text = commandHelp(COMMANDS.get('update-binfmts') ?? expect.fail('no drop-in'), 80);
    expect(text).not.toContain('--json');
  });
});

describe('the layout', () => {
  it.each([
    [undefined, 80],
    [Number.NaN, 80],
    [0, 80],
    [20, 60],
    [100, 100],
    [300, 120],
  ])('for a terminal of %j columns is %i wide', (given, expected) => {
    expect(helpWidth(given)).toBe(expected);
  });

  it('breaks lines between words and keeps long ones whole', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap(`a ${'x'.repeat(12)} b`, 5)).toEqual(['a', 'x'.repeat(12), 'b']);
  });

  it('puts a long left cell on a line of its own', () => {
    expect(
      columns(
        [
          ['short', 'text'],
          ['x'.repeat(30), 'text'],
        ],
        60,
      ),
    ).toBe(`  short  text\n  ${'x'.repeat(30)}\n         text\n`);
    expect(longest(columns([['a', 'word '.repeat(40).trim()]], 60))).toBeLessThanOrEqual(60);
  });
});
