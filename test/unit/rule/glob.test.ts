import { describe, expect, it } from 'vitest';
import { isGlob, matchesGlob } from '../../../src/rule/glob.ts';

describe('matchesGlob', () => {
  it.each([
    ['qemu-*', ['qemu-arm', 'qemu-'], ['xqemu-arm', 'qemu']],
    ['?.b', ['a.b', '*.b'], ['.b', 'axb', 'aa.b']],
    ['*', ['', 'new\nline'], []],
    ['a+(b)', ['a+(b)'], ['aab']],
    ['[ab]', ['[ab]'], ['a']],
    ['*a*b?', ['abc', 'xaxbbx'], ['ab', 'bax']],
    ['**', ['', 'a'], []],
  ])('%s', (glob, matching, others) => {
    for (const name of matching) expect([name, matchesGlob(glob, name)]).toEqual([name, true]);
    for (const name of others) expect([name, matchesGlob(glob, name)]).toEqual([name, false]);
  });

  it('takes little time for globs that make a regular expression backtrack exponentially', () => {
    expect(matchesGlob(`${'*a'.repeat(100)}*b`, 'a'.repeat(255))).toBe(false);
  });

  it('isGlob detects wildcards', () => {
    expect(['a*', '?', 'a', '[a]'].map(isGlob)).toEqual([true, true, false, false]);
  });
});
