import { describe, expect, it } from 'vitest';
import type { Entry, Rule } from '../../../src/rule/types.ts';
import { describe as inWords } from '../../../src/state/steps.ts';
import { planImport } from '../../../src/transfer/plan-import.ts';

const rule = (name: string, extension: string, interpreter = '/i'): Rule => ({
  name,
  pattern: { type: 'extension', extension },
  interpreter,
  flags: [],
});
const entry = (of: Rule, enabled = true): Entry => ({ ...of, enabled });
const on = (of: Rule) => ({ rule: of, enabled: true });
const off = (of: Rule) => ({ rule: of, enabled: false });

const [a, b] = [rule('a', 'x'), rule('b', 'x')];
const words = (...args: Parameters<typeof planImport>): readonly string[] =>
  planImport(...args).steps.map(inWords);

describe('planImport', () => {
  it('registers missing rules in order', () => {
    expect(words([], [on(a), on(b)])).toEqual(['register a → /i (no flags)', 'register b → /i (no flags)']);
  });

  it('uses the last rule of each name', () => {
    expect(words([], [on(rule('a', 'y')), on(rule('a', 'y', '/last'))])).toEqual([
      'register a → /last (no flags)',
    ]);
  });

  it('keeps entries that have the desired state', () => {
    expect(planImport([entry(b), entry(a, false)], [off(a), on(b)])).toEqual({
      steps: [],
      unchanged: ['a', 'b'],
      replaced: [],
    });
  });

  it('disables an entry after its registration', () => {
    expect(words([], [off(a)])).toEqual(['register a → /i (no flags)', 'disable entry a']);
  });

  it.each([
    ['another rule', entry(rule('a', 'x', '/other')), on(a)],
    ['a disabled entry', entry(a, false), on(a)],
    ['an enabled entry', entry(a), off(a)],
  ])('replaces %s without a gap, and says so', (_, there, wanted) => {
    const { steps, replaced } = planImport([there], [wanted]);
    expect(replaced).toEqual([there]);
    expect(steps.map(({ kind }) => kind)).toEqual([
      ...['register', 'unregister', 'register', 'unregister'],
      ...(wanted.enabled ? [] : ['disable']),
    ]);
  });

  it('replaces an entry that would be tried too early', () => {
    expect(planImport([entry(a), entry(b)], [on(a), on(b)])).toMatchObject({
      unchanged: ['a'],
      replaced: [entry(b)],
    });
  });
});
