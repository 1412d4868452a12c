import { describe, expect, it } from 'vitest';
import { globOf, isGlob } from '../../../src/rule/glob.ts';

describe('globOf', () => {
  it.each([
    ['qemu-*', ['qemu-arm', 'qemu-'], ['xqemu-arm', 'qemu']],
    ['?.b', ['a.b'], ['.b', 'axb', 'aa.b']],
    ['*', ['', 'new\nline'], []],
    ['a+(b)', ['a+(b)'], ['aab']],
    ['[ab]', ['[ab]'], ['a']],
  ])('%s takes what it should', (word, taken, others) => {
    for (const name of taken) expect([name, globOf(word).test(name)]).toEqual([name, true]);
    for (const name of others) expect([name, globOf(word).test(name)]).toEqual([name, false]);
  });

  it('is a glob by its signs', () => {
    expect(['a*', '?', 'a', '[a]'].map(isGlob)).toEqual([true, true, false, false]);
  });
});
