import { describe, expect, it } from 'vitest';
import { getopt, type LongOption } from '../../../../src/compat/command-line/getopt.ts';

const OPTIONS: readonly LongOption[] = [
  { name: 'enable', argument: 'none' },
  { name: 'extension', argument: 'required' },
  { name: 'find', argument: 'optional' },
  { name: 'find-all', argument: 'none' },
];

/** All results up to the other words or the first error. */
function all(line: readonly string[], how: { inOrder?: boolean } = {}) {
  const options = getopt(line, OPTIONS, { '?': 'find-all', V: 'enable' }, how);
  const found = [];
  for (;;) {
    const next = options.next();
    found.push(next);
    if (!('name' in next)) return found;
  }
}

describe('getopt', () => {
  it('accepts a value after = or as the next word, even if it looks like an option', () => {
    expect(all(['--extension=a=b', '--extension', '--enable'])).toEqual([
      { name: 'extension', value: 'a=b' },
      { name: 'extension', value: '--enable' },
      { words: [] },
    ]);
  });

  it('accepts mixed options and other words, and ends the options at --', () => {
    expect(all(['a', '--enable', '-', '--', '--enable'])).toEqual([
      { name: 'enable', value: null },
      { words: ['a', '-', '--enable'] },
    ]);
  });

  it('ends the options at the first other word with inOrder', () => {
    expect(all(['--enable', 'a', '--enable'], { inOrder: true })).toEqual([
      { name: 'enable', value: null },
      { words: ['a', '--enable'] },
    ]);
  });

  it('accepts several letters in one word', () => {
    expect(all(['-?V', '-Vx'])).toEqual([
      { name: 'find-all', value: null },
      { name: 'enable', value: null },
      { name: 'enable', value: null },
      { complaint: "invalid option -- 'x'" },
    ]);
  });

  it('accepts abbreviated options, and prefers an exact match', () => {
    expect(all(['--ex=1', '--find', '--find=x', '--find-'])).toEqual([
      { name: 'extension', value: '1' },
      { name: 'find', value: null },
      { name: 'find', value: 'x' },
      { name: 'find-all', value: null },
      { words: [] },
    ]);
  });

  it.each([
    ['--e=1', "option '--e=1' is ambiguous; possibilities: '--enable' '--extension'"],
    ['--nope=1', "unrecognized option '--nope=1'"],
    ['--en=1', "option '--enable' doesn't allow an argument"],
    ['--ext', "option '--extension' requires an argument"],
  ])('reports the error in %s like glibc', (word, complaint) => {
    expect(all([word])).toEqual([{ complaint }]);
  });

  it('returns the next words unparsed', () => {
    const options = getopt(['--enable', '--find', 'x'], OPTIONS, {});
    options.next();
    expect(options.take(2)).toEqual(['--find', 'x']);
    expect(options.take(1)).toEqual([]);
    expect(options.next()).toEqual({ words: [] });
  });
});
