import { describe, expect, it } from 'vitest';
import type { Entry, Rule } from '../../../src/rule/types.ts';
import { lastOfEachName, rulePlanner } from '../../../src/state/plan-rules.ts';

const rule = (name: string, magic: string, interpreter = '/i'): Rule => ({
  name,
  pattern: { type: 'magic', offset: 0, magic: Buffer.from(magic), mask: null },
  interpreter,
  flags: [],
});
const entry = (of: Rule, enabled = true): Entry => ({ ...of, enabled });

/** The rules that keep their entries. */
function kept(entries: readonly Entry[], rules: readonly Rule[]): readonly boolean[] {
  const planner = rulePlanner(entries);
  return rules.map((each) => {
    const change = planner.plan(each);
    planner.place(each, change);
    return change.keep;
  });
}

describe('rulePlanner', () => {
  const [a, b] = [rule('a', 'AB'), rule('b', 'AB')];

  it('keeps equal entries that are in the order of the rules', () => {
    expect(kept([entry(b), entry(a)], [a, b])).toEqual([true, true]);
  });

  it('registers an entry again that would be tried too early', () => {
    expect(kept([entry(a), entry(b)], [a, b])).toEqual([true, false]);
  });

  it('ignores the order of rules that no file can match both', () => {
    const c = rule('c', 'XY');
    expect(kept([entry(a), entry(c)], [a, c])).toEqual([true, true]);
  });

  it('registers an entry again after a new rule that can match the same file', () => {
    expect(kept([entry(b)], [a, b])).toEqual([false, false]);
  });

  it.each([
    ['another interpreter', entry(rule('a', 'AB', '/other'))],
    ['another magic', entry(rule('a', 'AX'))],
    ['a disabled entry', entry(a, false)],
    ['flags of a later kernel', { ...entry(a), extra: ['T'] }],
  ])('replaces %s', (_, present) => {
    expect(rulePlanner([present]).plan(a)).toMatchObject({ keep: false, entry: present });
  });
});

describe('lastOfEachName', () => {
  it('omits rules that a later one would replace', () => {
    const [first, other, last] = [rule('a', 'AB'), rule('b', 'AB'), rule('a', 'XY')];
    expect(lastOfEachName([first, other, last])).toEqual([other, last]);
  });
});
