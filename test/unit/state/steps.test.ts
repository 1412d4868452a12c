import { expect, describe as group, it } from 'vitest';
import type { BpfEntry, Entry, Rule } from '../../../src/rule/types.ts';
import { describe, inverse, requireReversible, ruleOf, type Step } from '../../../src/state/steps.ts';

const rule: Rule = {
  name: 'a',
  pattern: { type: 'magic', offset: 0, magic: new TextEncoder().encode('AB'), mask: null },
  interpreter: '/bin/a',
  flags: ['P', 'F'],
};
const entry: Entry = { ...rule, enabled: true };
const disabled: Entry = { ...rule, enabled: false };
const bpf: BpfEntry = { name: 'b', handler: 'h', interpreters: [], flags: [], enabled: true };

group('inverse', () => {
  it.each<[string, Step, readonly Step[]]>([
    ['a registration', { kind: 'register', rule }, [{ kind: 'unregister', entry }]],
    ['a removal', { kind: 'unregister', entry }, [{ kind: 'register', rule }]],
    [
      'the removal of a disabled entry',
      { kind: 'unregister', entry: disabled },
      [
        { kind: 'register', rule },
        { kind: 'disable', entry: disabled },
      ],
    ],
    ['enabling', { kind: 'enable', entry }, [{ kind: 'disable', entry }]],
    ['disabling', { kind: 'disable', entry }, [{ kind: 'enable', entry }]],
    [
      'a new file',
      { kind: 'write', path: '/f', text: 'new', previous: null },
      [{ kind: 'delete', path: '/f', previous: 'new' }],
    ],
    [
      'a new text',
      { kind: 'write', path: '/f', text: 'new', previous: 'old' },
      [{ kind: 'write', path: '/f', text: 'old', previous: 'new' }],
    ],
    [
      'a deletion',
      { kind: 'delete', path: '/f', previous: 'old' },
      [{ kind: 'write', path: '/f', text: 'old', previous: null }],
    ],
    ['a proof', { kind: 'prove', arches: [] }, []],
  ])('undoes %s', (_, step, expected) => {
    expect(inverse(step)).toEqual(expected);
  });
});

group('describe', () => {
  it.each<[Step, string]>([
    [{ kind: 'register', rule }, 'register a → /bin/a (PF)'],
    [{ kind: 'register', rule: { ...rule, flags: [] } }, 'register a → /bin/a (no flags)'],
    [{ kind: 'unregister', entry }, 'remove entry a (/bin/a)'],
    [{ kind: 'unregister', entry: bpf }, 'remove entry b (BPF handler h)'],
    [{ kind: 'enable', entry }, 'enable entry a'],
    [{ kind: 'disable', entry }, 'disable entry a'],
    [{ kind: 'write', path: '/f', text: 'x', previous: null }, 'write /f'],
    [{ kind: 'write', path: '/f', text: 'x', previous: '' }, 'replace /f'],
    [{ kind: 'delete', path: '/f', previous: '' }, 'delete /f'],
    [
      {
        kind: 'prove',
        arches: [
          { arch: 'arm', entry: 'a' },
          { arch: 's390x', entry: 'b' },
        ],
      },
      'verify arm through a, s390x through b',
    ],
  ])('%j', (step, text) => {
    expect(describe(step)).toBe(text);
  });
});

group('requireReversible', () => {
  it('accepts all steps except the removal of an entry that could not be registered again', () => {
    const odd: Entry = { ...entry, extra: ['colour blue'] };
    expect(() => requireReversible([{ kind: 'enable', entry: odd }])).not.toThrow();
    expect(() =>
      requireReversible([
        { kind: 'unregister', entry },
        { kind: 'unregister', entry: bpf },
      ]),
    ).not.toThrow();
    expect(() => requireReversible([{ kind: 'unregister', entry: odd }])).toThrow(
      expect.objectContaining({ code: 'BAD_ENTRY', hint: expect.stringContaining('nothing was changed') }),
    );
  });
});

group('ruleOf', () => {
  it('returns the entry without its state', () => {
    expect(ruleOf(disabled)).toStrictEqual(rule);
  });
});
