import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeText } from '../../../src/rule/text.ts';
import { type BpfEntry, isBpf } from '../../../src/rule/types.ts';
import {
  emptyInstance,
  entriesToTry,
  type Instance,
  type InstanceKernel,
  unlink,
  type WriteSurroundings,
  write,
} from '../../model/instance.ts';
import { servingInstance } from '../../model/user-namespace.ts';

const LINUX618: InstanceKernel = { linux73: false, bpf: false, opensBeforeName: true, maxInterpreters: null };
const LINUX73: InstanceKernel = { linux73: true, bpf: true, opensBeforeName: true, maxInterpreters: 2 };
const AROUND: WriteSurroundings = {
  openInterpreter: (path) => (path.startsWith('/missing') ? 'ENOENT' : null),
  hasHandler: (name) => name === 'h',
};

type Act = readonly [file: string, text: string] | readonly [unlinked: string];

/** The result of each write, and the instance after all of them. */
function carriedOut(kernel: InstanceKernel, ...acts: readonly Act[]) {
  let instance = emptyInstance(kernel);
  const answers = acts.map(([name, text]) => {
    const change =
      text === undefined ? unlink(instance, name) : write(instance, name, encodeText(text), AROUND);
    instance = change.instance;
    return change.errno;
  });
  return { instance, answers };
}

const rule = (name: string, flags = '', interpreter = '/i'): Act => [
  'register',
  `:${name}:M::AB::${interpreter}:${flags}`,
];
const listed = ({ files }: Instance) => files.map(({ name, enabled }) => `${name}${enabled ? '' : ' off'}`);
const tried = (instance: Instance) => entriesToTry(instance).map(({ name }) => name);

describe('write', () => {
  it('lists the newest entry first', () => {
    const { instance, answers } = carriedOut(LINUX618, rule('a'), rule('b'));
    expect(answers).toEqual([null, null]);
    expect(listed(instance)).toEqual(['b', 'a']);
    expect(tried(instance)).toEqual(['b', 'a']);
  });

  it.each<[string, readonly Act[], InstanceKernel, string]>([
    ['syntax before the interpreter', [rule('a/b', 'F', '/missing')], LINUX618, 'EINVAL'],
    ['the interpreter before the name', [rule('a'), rule('a', 'F', '/missing')], LINUX618, 'ENOENT'],
    [
      'the name before the interpreter, before Linux 6.7',
      [rule('a'), rule('a', 'F', '/missing')],
      { ...LINUX618, opensBeforeName: false },
      'EEXIST',
    ],
    ['an existing name', [rule('a'), ['a', '0'], rule('a')], LINUX618, 'EEXIST'],
    ['a name of the file system', [rule('status')], LINUX618, 'EEXIST'],
    ['a long name', [rule('a'.repeat(256))], LINUX618, 'ENAMETOOLONG'],
    [
      'one interpreter too many, before the name',
      [rule('a', 'F'), rule('b', 'F'), rule('a', 'F')],
      LINUX73,
      'ENOSPC',
    ],
    ['a missing handler', [['register', ':b:B::::other:']], LINUX73, 'ENOENT'],
    ['a handler with a flag', [['register', ':b:B::::h:F']], LINUX73, 'EINVAL'],
    ['a handler if the kernel has none', [['register', ':b:B::::h:']], LINUX618, 'EINVAL'],
    ['a missing entry', [['a', '1']], LINUX618, 'ENOENT'],
    ['unlink before Linux 7.3', [rule('a'), ['a']], LINUX618, 'EPERM'],
    ['unlink of status', [['status']], LINUX73, 'EPERM'],
    ['unlink of a missing entry', [['a']], LINUX73, 'ENOENT'],
    ['a binding to a rule', [rule('a', 'D'), ['a', '+x /x']], LINUX73, 'EINVAL'],
    ['a command that is too long', [rule('a'), ['a', '1'.repeat(4132)]], LINUX73, 'E2BIG'],
    ['a long command before Linux 7.3', [rule('a'), ['a', '1'.repeat(4132)]], LINUX618, 'EINVAL'],
  ])('refuses %s', (_, acts, kernel, errno) => {
    const { answers } = carriedOut(kernel, ...acts);
    expect(answers).toEqual([...acts.slice(1).map(() => null), errno]);
  });

  it.each(['0', '1', '-1', '0\n', '1\n', '-1\n', ''])('accepts the command %j', (text) => {
    expect(carriedOut(LINUX618, rule('a'), ['a', text], ['status', text]).answers).toEqual([
      null,
      null,
      null,
    ]);
  });

  it.each(['\n', '2', '01', '+1', ' 1', '1 ', '1\n\n', '-1\n\n', '1\0', '-1\r', 'enable', '--1'])(
    'refuses the command %j',
    (text) => {
      for (const kernel of [LINUX618, LINUX73]) {
        const answers = [null, 'EINVAL', 'EINVAL'];
        expect(carriedOut(kernel, rule('a'), ['a', text], ['status', text]).answers).toEqual(answers);
      }
    },
  );

  it('keeps the position of an entry that is disabled and enabled', () => {
    const { instance } = carriedOut(LINUX618, rule('a'), rule('b'), ['a', '0'], ['a', '1']);
    expect(tried(instance)).toEqual(['b', 'a']);
  });

  it('moves an entry registered with D to the front only when it is first enabled', () => {
    const first = carriedOut(LINUX73, rule('a', 'D'), rule('b'));
    expect(listed(first.instance)).toEqual(['b', 'a off']);
    expect(tried(first.instance)).toEqual(['b']);
    const second = carriedOut(LINUX73, rule('a', 'D'), rule('b'), ['a', '0'], ['a', '1'], rule('c'), [
      'a',
      '1',
    ]);
    expect(listed(second.instance)).toEqual(['c', 'b', 'a']);
    expect(tried(second.instance)).toEqual(['c', 'a', 'b']);
  });

  it('removes all entries on -1 to status, and stays disabled if it was', () => {
    const { instance } = carriedOut(LINUX73, rule('a', 'D'), rule('b'), ['status', '0'], ['status', '-1']);
    expect(instance).toEqual({ ...emptyInstance(LINUX73), enabled: false });
  });

  it('frees the slot of an interpreter that is no longer held', () => {
    const full = [rule('a', 'F'), rule('b', 'F')];
    expect(carriedOut(LINUX73, ...full, ['a'], rule('c', 'F')).answers).toEqual([null, null, null, null]);
  });

  it('binds interpreters to a handler until it is first enabled', () => {
    const acts: readonly Act[] = [
      ['register', ':b:B::::h:D'],
      ['b', '+arm /arm\n'],
      ['b', '+arm /other'],
      ['b', '+x86 /missing'],
      ['b', '+x86 relative'],
      ['b', '+x86 /x 86'],
      ['b', '+more /more'],
      ['b', '1'],
      ['b', '+late /late'],
    ];
    const { instance, answers } = carriedOut(LINUX73, ...acts);
    expect(answers).toEqual([null, null, 'EEXIST', 'ENOENT', 'EINVAL', null, 'ENOSPC', null, 'EBUSY']);
    const entry = instance.files[0] as BpfEntry;
    expect(isBpf(entry) && entry.interpreters).toEqual([
      { name: 'arm', path: '/arm' },
      { name: 'x86', path: '/x 86' },
    ]);
  });

  it('opens each file at most once, and changes nothing on failure', () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const acts = fc.array(
      fc.oneof(
        fc.tuple(name, fc.constantFrom('', 'D', 'F', 'DF', 'TP')).map(([name, flags]) => rule(name, flags)),
        fc.tuple(fc.oneof(name, fc.constant('status')), fc.constantFrom('0', '1', '-1', 'x')),
        fc.tuple(name),
      ),
    );
    fc.assert(
      fc.property(acts, fc.constantFrom(LINUX618, LINUX73), (acts, kernel) => {
        let instance = emptyInstance(kernel);
        for (const [name, text] of acts as readonly Act[]) {
          const change =
            text === undefined ? unlink(instance, name) : write(instance, name, encodeText(text), AROUND);
          if (change.errno !== null) expect(change.instance).toBe(instance);
          instance = change.instance;
          const names = instance.files.map((each) => each.name);
          expect(new Set(names).size).toBe(names.length);
          expect(names).toEqual(expect.arrayContaining([...instance.order]));
          expect(new Set(instance.order).size).toBe(instance.order.length);
          const staged = instance.files.filter((each) => !instance.order.includes(each.name));
          expect(staged.filter(({ enabled }) => enabled)).toEqual([]);
        }
      }),
    );
  });
});

describe('servingInstance', () => {
  const host = { parent: null, instance: carriedOut(LINUX618, rule('host')).instance };
  const child = { parent: host, instance: null };

  it('is that of the closest user namespace with an instance', () => {
    expect(servingInstance(host)).toBe(host.instance);
    expect(servingInstance(child)).toBe(host.instance);
    const own = { ...child, instance: carriedOut(LINUX618, rule('own')).instance };
    expect(servingInstance(own)).toBe(own.instance);
    expect(servingInstance({ parent: own, instance: null })).toBe(own.instance);
  });

  it("is the namespace's instance even if it was unmounted, disabled or emptied", () => {
    const unmounted = emptyInstance(LINUX618);
    expect(servingInstance({ parent: host, instance: unmounted })).toBe(unmounted);
    const off = carriedOut(LINUX618, rule('own'), ['status', '0']).instance;
    expect(servingInstance({ parent: host, instance: off })).toBe(off);
  });

  it('is none if no instance was ever mounted', () => {
    expect(servingInstance({ parent: { parent: null, instance: null }, instance: null })).toBeNull();
  });
});
