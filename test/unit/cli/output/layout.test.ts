import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignRows, wrap } from '../../../../src/cli/output/layout.ts';

describe('wrap', () => {
  it('breaks at blanks and indents the lines after the first', () => {
    expect(wrap('one two three four', 9, 2)).toEqual(['one two', '  three', '  four']);
  });

  it('leaves a word whole that is longer than a line, as a path that is to be pasted', () => {
    expect(wrap('see /a/long/path now', 8)).toEqual(['see', '/a/long/path', 'now']);
  });

  it('changes nothing where the width is not limited', () => {
    expect(wrap('a  b c', Number.POSITIVE_INFINITY)).toEqual(['a  b c']);
  });
});

describe('alignRows', () => {
  const rows = [
    ['A', 'NAME', 'STATE'],
    ['x', 'qemu-aarch64', 'never reached: entry other is newer'],
  ];

  it('makes columns as wide as their widest cell', () => {
    expect(alignRows(rows, 80)).toEqual([
      'A  NAME          STATE',
      'x  qemu-aarch64  never reached: entry other is newer',
    ]);
  });

  it('wraps the last column where there is room for it', () => {
    expect(alignRows(rows, 45)).toEqual([
      'A  NAME          STATE',
      'x  qemu-aarch64  never reached: entry other',
      '                 is newer',
    ]);
  });

  it('continues below the row where there is no room', () => {
    expect(alignRows(rows, 38)).toEqual([
      'A  NAME          STATE',
      'x  qemu-aarch64',
      '   never reached: entry other is newer',
    ]);
  });

  it('cuts the longest cells where even the others are too wide', () => {
    expect(alignRows([['x', 'a-very-long-name-of-an-entry', 'ok']], 20)).toEqual([
      'x  a-very-long-na…',
      '   ok',
    ]);
  });

  const word = fc.stringMatching(/^[a-z]{1,9}$/);
  it('fits every width from 40 columns on', () => {
    const cells = fc.tuple(
      word,
      word,
      word,
      fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(
        fc.array(cells, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 40, max: 130 }),
        (all, width) => {
          for (const line of alignRows(all, width)) expect(line.length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});
