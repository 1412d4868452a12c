import { describe, expect, it } from 'vitest';
import type { Entry, Rule } from '../../../src/rule/types.ts';
import { replacement } from '../../../src/state/replacement.ts';

const rule = (name: string, magic = 'AB'): Rule => ({
  name,
  pattern: { type: 'magic', offset: 0, magic: new TextEncoder().encode(magic), mask: null },
  interpreter: '/new',
  flags: [],
});
const entry = (name: string, magic = 'AB'): Entry => ({ ...rule(name, magic), enabled: true });
const old: Entry = { ...entry('a'), interpreter: '/old' };
const stagedBeside = (...names: readonly string[]): string =>
  replacement(old, rule('a'), [old, ...names.map((name) => entry(name))]).staged;

describe('replacement', () => {
  it('registers the new rule under another name, then under its name', () => {
    const staged = rule('a.staged');
    expect(replacement(old, rule('a'), [old])).toEqual({
      staged: 'a.staged',
      stage: [{ kind: 'register', rule: staged }],
      swap: [
        { kind: 'unregister', entry: old },
        { kind: 'register', rule: rule('a') },
        { kind: 'unregister', entry: { ...staged, enabled: true } },
      ],
    });
  });

  it.each([
    ['no other', [], 'a.staged'],
    ['the first name', ['a.staged'], 'a.staged2'],
    ['the first two', ['a.staged', 'a.staged2'], 'a.staged3'],
    ['the second name', ['a.staged2'], 'a.staged'],
    ['the first and the third', ['a.staged', 'a.staged3'], 'a.staged2'],
    ['one with another suffix', ['a.stagedX'], 'a.staged'],
    ['one with a prefix', ['x.a.staged'], 'a.staged'],
  ])('chooses a free name beside %s', (_, names, staged) => {
    expect(stagedBeside(...names)).toBe(staged);
  });

  it('removes leftovers of a killed replacement of that entry only', () => {
    const left = entry('a.staged');
    const others = [entry('a.staged2', 'XY'), entry('b.staged')];
    const { swap } = replacement(old, rule('a'), [old, left, ...others]);
    expect(swap.slice(3)).toEqual([{ kind: 'unregister', entry: left }]);
  });

  it('uses a valid name also for the longest names', () => {
    const longest = 'n'.repeat(255);
    const fits = 'n'.repeat(255 - '.staged00'.length);
    expect(replacement(entry(longest), rule(longest), []).staged).toBe('binfmtctl.staged');
    expect(replacement(entry(fits), rule(fits), []).staged).toBe(`${fits}.staged`);
    expect(replacement(entry(`${fits}n`), rule(`${fits}n`), []).staged).toBe('binfmtctl.staged');
  });
});
