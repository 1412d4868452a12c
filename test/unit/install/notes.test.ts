import { describe, expect, it } from 'vitest';
import { installNotes } from '../../../src/install/notes.ts';
import type { DesiredState } from '../../../src/install/plan.ts';
import type { Entry, Flag, Rule } from '../../../src/rule/types.ts';
import type { Step } from '../../../src/state/steps.ts';

const rule = (name: string, ...flags: readonly Flag[]): Rule => ({
  name,
  pattern: { type: 'magic', offset: 0, magic: Uint8Array.of(1), mask: null },
  interpreter: '/i',
  flags,
});
const entry: Entry = { ...rule('old'), enabled: true };
const register = (of: Rule): Step => ({ kind: 'register', rule: of });
const desired = (of: Rule, path = '/etc/binfmt.d/a.conf'): DesiredState => ({
  arch: of.name,
  rule: of,
  files: [{ path, text: '', previous: null }],
});
const BPF: Step = {
  kind: 'register',
  rule: { name: 'b', handler: 'h', interpreters: [], flags: [] },
};
const WITH_C = expect.stringMatching(/^flag C gives /);
const WITHOUT_C = expect.stringMatching(/^without flag C,/);

describe('installNotes', () => {
  it.each<[string, readonly Step[], readonly unknown[]]>([
    ['a rule with C', [register(rule('a', 'P', 'C'))], [WITH_C]],
    ['a rule without C', [register(rule('a', 'P'))], [WITHOUT_C]],
    ['one of each', [register(rule('a', 'C')), register(rule('b'))], [WITH_C, WITHOUT_C]],
    [
      'a replacement without C of an entry without C',
      [register(rule('a')), { kind: 'unregister', entry }],
      [],
    ],
    ['a replacement with C', [register(rule('a', 'C')), { kind: 'unregister', entry }], [WITH_C]],
    ['a BPF handler, which has no flags', [BPF], []],
    ['steps that register nothing', [{ kind: 'enable', entry }], []],
  ])('explains flag C for %s', (_, steps, notes) => {
    expect(installNotes(steps, [])).toEqual(notes);
  });

  const flushed = (...of: readonly DesiredState[]): readonly string[] => {
    const steps = [register(rule('a', 'C')), register(rule('b', 'C'))];
    return installNotes(steps, of).slice(1);
  };
  const lasting = flushed(desired(rule('a')));

  it('adds no note for persistent rules', () => {
    expect(lasting).toEqual([]);
    expect(flushed(desired(rule('a')), desired(rule('b'), '/var/lib/binfmts/b'))).toEqual([]);
    expect(
      flushed({
        ...desired(rule('a')),
        files: [...desired(rule('a'), '/note').files, ...desired(rule('a')).files],
      }),
    ).toEqual([]);
  });

  it('adds no note for rules that are not registered now', () => {
    expect(flushed(desired(rule('c'), '/note'))).toEqual([]);
  });
});
