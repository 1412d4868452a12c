import { describe, expect, it } from 'vitest';
import { type DesiredState, planInstall } from '../../../src/install/plan.ts';
import type { Entry, Rule } from '../../../src/rule/types.ts';

const rule: Rule = {
  name: 'qemu-arm',
  pattern: { type: 'magic', offset: 0, magic: Uint8Array.of(1), mask: null },
  interpreter: '/i',
  flags: [],
};
const entry: Entry = { ...rule, enabled: true };
const desired = (more: Partial<DesiredState>): readonly DesiredState[] => [
  { arch: 'arm', rule, files: [], ...more },
];
const options = { replace: false, prove: false };
const present = { entries: [entry], ours: new Set<string>() };

describe('planInstall', () => {
  it('removes obsolete boot files, or restores their previous text', () => {
    const obsolete = [
      { path: '/etc/binfmt.d/a', restored: null, now: 'ours' },
      { path: '/etc/binfmt.d/b', restored: 'theirs', now: 'ours' },
    ];
    expect(planInstall(present, desired({ obsolete }), options)).toEqual([
      { kind: 'delete', path: '/etc/binfmt.d/a', previous: 'ours' },
      { kind: 'write', path: '/etc/binfmt.d/b', text: 'theirs', previous: 'ours' },
    ]);
  });

  it('replaces an equal entry only on request', () => {
    expect(planInstall(present, desired({}), options)).toEqual([]);
    const kinds = planInstall(present, desired({}), { ...options, replace: true }).map(({ kind }) => kind);
    expect(kinds).toEqual(['register', 'unregister', 'register', 'unregister']);
  });

  it('works with any number of other entries', () => {
    const others = ['a', 'b'].map((name): Entry => ({ ...entry, name, interpreter: '/other' }));
    expect(planInstall({ ...present, entries: [...others, entry] }, desired({}), options)).toEqual([]);
  });

  it.each([
    [[], 'flags none'],
    [['P', 'F'], 'flags PF'],
  ] as const)("describes the rule of another program's entry: %j", (flags, text) => {
    const theirs: Entry = { ...entry, interpreter: '/theirs', flags };
    expect(() => planInstall({ ...present, entries: [theirs] }, desired({}), options)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(`(/theirs, ${text})`),
        hint: expect.stringContaining('--replace'),
      }),
    );
  });

  it('probes only replaced entries again', () => {
    const other: Rule = { ...rule, name: 'qemu-s390x', interpreter: '/new' };
    const both = [...desired({}), { arch: 's390x', rule: other, files: [] }];
    const old: Entry = { ...other, interpreter: '/old', enabled: true };
    const steps = planInstall({ entries: [entry, old], ours: new Set(['qemu-s390x']) }, both, {
      replace: false,
      prove: true,
    });
    expect(steps.filter(({ kind }) => kind === 'prove')).toEqual([
      {
        kind: 'prove',
        arches: [
          { arch: 'arm', entry: 'qemu-arm' },
          { arch: 's390x', entry: 'qemu-s390x.staged' },
        ],
      },
      { kind: 'prove', arches: [{ arch: 's390x', entry: 'qemu-s390x' }] },
    ]);
  });
});
