import { describe, expect, it } from 'vitest';
import { bootFilePath, persistedText } from '../../../src/boot/boot-file.ts';
import type { AnyEntry, Entry, Rule } from '../../../src/rule/types.ts';
import { decodeJournal, encodeJournal, type FoundState, planRepair } from '../../../src/state/journal.ts';
import type { Step } from '../../../src/state/steps.ts';

const rule = (name: string, interpreter = '/new'): Rule => ({
  name,
  pattern: { type: 'magic', offset: 0, magic: new TextEncoder().encode('AB'), mask: null },
  interpreter,
  flags: ['F'],
});
const entry = (name: string, interpreter = '/new', enabled = true): Entry => ({
  ...rule(name, interpreter),
  enabled,
});
const nothing: FoundState = { entries: [], files: new Map(), sameKernel: true };
const repair = (steps: readonly Step[], found: Partial<FoundState>) =>
  planRepair({ bootId: 'b', userNamespace: 'u', steps }, { ...nothing, ...found });

describe('the order of repairs', () => {
  const steps: readonly Step[] = [
    { kind: 'write', path: '/etc/note', text: 'new', previous: null },
    { kind: 'register', rule: rule('added') },
    { kind: 'unregister', entry: entry('removed', '/old') },
  ];
  const files = new Map([['/etc/note', 'new']]);

  it('restores entries, then removes others, and handles files last', () => {
    expect(repair(steps, { entries: [entry('added')], files })).toEqual([
      { kind: 'register', rule: rule('removed', '/old') },
      { kind: 'unregister', entry: entry('added') },
      { kind: 'delete', path: '/etc/note', previous: 'new' },
    ]);
  });

  it('does not depend on the order of the steps', () => {
    const kinds = repair(steps.toReversed(), { entries: [entry('added')], files }).map(({ kind }) => kind);
    expect(kinds).toEqual(['register', 'unregister', 'delete']);
  });

  it('follows the steps within one kind of repair', () => {
    const both: readonly Step[] = ['b', 'a'].map((name) => ({ kind: 'unregister', entry: entry(name) }));
    expect(repair(both, {})).toEqual([
      { kind: 'register', rule: rule('b') },
      { kind: 'register', rule: rule('a') },
    ]);
  });
});

describe('changes by other programs since', () => {
  it.each<[string, Step, Partial<FoundState>]>([
    [
      'an entry with another interpreter',
      { kind: 'register', rule: rule('a') },
      { entries: [entry('a', '/x')] },
    ],
    ['a removed entry', { kind: 'register', rule: rule('a') }, {}],
    [
      'an entry that was registered again',
      { kind: 'unregister', entry: entry('a') },
      { entries: [entry('a', '/x')] },
    ],
    [
      'a file with another text',
      { kind: 'write', path: '/f', text: 'new', previous: 'old' },
      { files: new Map([['/f', 'theirs']]) },
    ],
    [
      'a removed file',
      { kind: 'write', path: '/f', text: 'new', previous: 'old' },
      { files: new Map([['/f', null]]) },
    ],
    [
      'a file that was written again',
      { kind: 'delete', path: '/f', previous: 'old' },
      { files: new Map([['/f', 'x']]) },
    ],
  ])('are left alone: %s', (_, step, found) => {
    expect(repair([step], found)).toEqual([]);
  });
});

describe('the repair of one entry or file', () => {
  it.each<[string, readonly Step[], Partial<FoundState>, readonly Step[]]>([
    [
      'an entry that was enabled is disabled',
      [{ kind: 'enable', entry: entry('a', '/new', false) }],
      { entries: [entry('a')] },
      [{ kind: 'disable', entry: entry('a', '/new', false) }],
    ],
    [
      'an entry that was disabled is enabled',
      [{ kind: 'disable', entry: entry('a') }],
      { entries: [entry('a', '/new', false)] },
      [{ kind: 'enable', entry: entry('a') }],
    ],
    [
      'a disabled entry is restored disabled',
      [{ kind: 'unregister', entry: entry('a', '/old', false) }],
      {},
      [
        { kind: 'register', rule: rule('a', '/old') },
        { kind: 'disable', entry: entry('a', '/old', false) },
      ],
    ],
    [
      'a replaced entry replaces its replacement',
      [
        { kind: 'unregister', entry: entry('a', '/old') },
        { kind: 'register', rule: rule('a') },
      ],
      { entries: [entry('b'), entry('a')] },
      [
        { kind: 'unregister', entry: entry('a') },
        { kind: 'register', rule: rule('a', '/old') },
      ],
    ],
    [
      'an entry that was registered disabled is removed',
      [{ kind: 'register', rule: rule('a') }],
      { entries: [entry('a', '/new', false)] },
      [{ kind: 'unregister', entry: entry('a', '/new', false) }],
    ],
    [
      'a file gets its previous text',
      [{ kind: 'write', path: '/a b', text: 'new', previous: 'old' }],
      { files: new Map([['/a b', 'new']]) },
      [{ kind: 'write', path: '/a b', text: 'old', previous: 'new' }],
    ],
    [
      'a deleted file is written again',
      [{ kind: 'delete', path: '/f', previous: 'old' }],
      { files: new Map([['/f', null]]) },
      [{ kind: 'write', path: '/f', text: 'old', previous: null }],
    ],
    ['a probe needs no repair', [{ kind: 'prove', arches: [{ arch: 'arm', entry: 'a' }] }], {}, []],
  ])('%s', (_, steps, found, expected) => {
    expect(repair(steps, found)).toEqual(expected);
  });

  it('restores the state before the first of several steps', () => {
    const steps: readonly Step[] = [
      { kind: 'write', path: '/f', text: 'one', previous: null },
      { kind: 'write', path: '/f', text: 'two', previous: 'one' },
    ];
    for (const now of ['one', 'two'])
      expect(repair(steps, { files: new Map([['/f', now]]) })).toEqual([
        { kind: 'delete', path: '/f', previous: now },
      ]);
  });
});

describe('after a reboot', () => {
  const path = bootFilePath('binfmt.d', 'a');
  const textOf = (interpreter: string): string => persistedText(path, rule('a', interpreter)) ?? '';
  const written = (previous: string | null): readonly Step[] => [
    { kind: 'write', path, text: textOf('/new'), previous },
    { kind: 'register', rule: rule('a') },
  ];
  const booted = (entries: readonly AnyEntry[], text: string | null): Partial<FoundState> => ({
    sameKernel: false,
    rebooted: true,
    entries,
    files: new Map([[path, text]]),
  });

  it('removes an entry of the new boot file together with the file', () => {
    expect(repair(written(null), booted([entry('a')], textOf('/new')))).toEqual([
      { kind: 'unregister', entry: entry('a') },
      { kind: 'delete', path, previous: textOf('/new') },
    ]);
  });

  it('replaces it with the entry of the restored boot file', () => {
    expect(repair(written(textOf('/old')), booted([entry('a')], textOf('/new')))).toEqual([
      { kind: 'unregister', entry: entry('a') },
      { kind: 'register', rule: rule('a', '/old') },
      { kind: 'write', path, text: textOf('/old'), previous: textOf('/new') },
    ]);
  });

  it('keeps an entry that the restored boot file contains, too', () => {
    const note: Step = { kind: 'write', path, text: `# new\n${textOf('/new')}`, previous: textOf('/new') };
    const steps = [note, ...written(null).slice(1)];
    expect(repair(steps, booted([entry('a')], note.kind === 'write' ? note.text : ''))).toEqual([
      { kind: 'write', path, text: textOf('/new'), previous: note.kind === 'write' ? note.text : null },
    ]);
  });

  it('keeps an entry if its boot file was not changed', () => {
    expect(repair(written(null), booted([entry('a')], null))).toEqual([]);
    const other: Step = { kind: 'write', path: '/etc/binfmt.d/other.conf', text: 'x', previous: null };
    const files = new Map([['/etc/binfmt.d/other.conf', 'x']]);
    const steps: readonly Step[] = [other, { kind: 'register', rule: rule('a') }];
    const kinds = repair(steps, { ...booted([entry('a')], null), files }).map(({ kind }) => kind);
    expect(kinds).toEqual(['delete']);
  });

  it('does not register an absent entry, which no service may have registered yet', () => {
    const steps: readonly Step[] = [
      { kind: 'delete', path, previous: textOf('/old') },
      { kind: 'unregister', entry: entry('a', '/old') },
    ];
    expect(repair(steps, booted([], null))).toEqual([
      { kind: 'write', path, text: textOf('/old'), previous: null },
    ]);
  });

  it('leaves the entries of another user namespace alone', () => {
    const found = { ...booted([entry('a')], textOf('/new')), rebooted: false };
    expect(repair(written(null), found)).toEqual([{ kind: 'delete', path, previous: textOf('/new') }]);
  });
});

describe('the text of a journal', () => {
  const steps: readonly Step[] = [
    { kind: 'register', rule: rule('a') },
    { kind: 'unregister', entry: entry('b') },
    { kind: 'enable', entry: entry('c', '/new', false) },
    { kind: 'disable', entry: entry('d') },
    { kind: 'write', path: '/f', text: 'new', previous: null },
    { kind: 'delete', path: '/g', previous: 'old' },
    { kind: 'prove', arches: [{ arch: 'arm', entry: 'a' }] },
  ];
  const text = encodeJournal({ bootId: 'b', userNamespace: 'u', steps });

  it('contains everything', () => {
    expect(decodeJournal(text)).toMatchObject({ bootId: 'b', userNamespace: 'u', steps });
  });

  it.each([
    ['of another version', text.replace('journal/1', 'journal/2')],
    ['with an unknown step', text.replace('"enable"', '"able"')],
    ['with a proof of nothing', text.replace('"arch"', '"ark"')],
    ['without a boot', text.replace('"bootId"', '"boot"')],
  ])('is rejected: %s', (_, other) => {
    expect(other).not.toBe(text);
    expect(decodeJournal(other)).toBeNull();
  });
});
