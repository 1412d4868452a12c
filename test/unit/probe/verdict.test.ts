import { describe, expect, it } from 'vitest';
import { expectationOf, judge, type Observation } from '../../../src/probe/verdict.ts';
import type { Entry } from '../../../src/rule/types.ts';
import { entryProblem } from '../../../src/verify/entry-problem.ts';

const yes = { holds: true };
const no = { holds: false, why: 'a reason' };
const unknown = { holds: null, why: 'no right' };
const observed = (changed: Partial<Observation>): Observation => ({
  ...{ arch: 'riscv64', entry: 'qemu-riscv64', flags: ['P', 'F'], native: false, emulator: null, held: null },
  ...{ host: yes, chroot: yes, mountNamespace: yes, argv0: yes, credentials: unknown },
  ...changed,
});

describe('judge', () => {
  it.each([
    ['everything that the flags guarantee works', {}, 'works', []],
    ['it fails on the host', { host: no, chroot: no }, 'fails', ['on the host: a reason']],
    ['F does not serve a chroot', { chroot: no }, 'fails', ['in a chroot: a reason']],
    ['P does not keep argv[0]', { argv0: no }, 'fails', ['argv[0]: a reason']],
    ['it could not be run', { host: unknown }, 'unchecked', ['on the host: no right']],
    [
      'a place could not be checked',
      { mountNamespace: unknown },
      'unchecked',
      ['in a new mount namespace: no right'],
    ],
    [
      'one place fails and another could not be checked',
      { chroot: no, mountNamespace: unknown },
      'fails',
      ['in a chroot: a reason'],
    ],
  ] as const)('judges that %s', (_, changed, outcome, reasons) => {
    expect(judge(observed(changed))).toEqual({ outcome, reasons, limits: [] });
  });

  it('does not expect an entry without F to work in chroots, but reports the limit', () => {
    expect(judge(observed({ flags: ['P'], chroot: no }))).toEqual({
      outcome: 'works',
      reasons: [],
      limits: ['host only: entry qemu-riscv64 has no flag F'],
    });
  });

  it('reports the limit of an entry without P only if argv[0] was lost', () => {
    const lost = expect.stringContaining('entry qemu-riscv64 has no flag P');
    expect(judge(observed({ flags: ['F'], argv0: no }))).toMatchObject({ outcome: 'works', limits: [lost] });
    for (const argv0 of [yes, unknown])
      expect(judge(observed({ flags: ['F'], argv0 }))).toMatchObject({ outcome: 'works', limits: [] });
  });

  it.each([
    ['with F', ['F'], no, 'the emulator is dynamic and needs /lib/ld.so at run time'],
    ['without F', [], no, 'the emulator is dynamic and needs /lib/ld.so at run time'],
    ['with its loader in the chroot', ['F'], yes, null],
  ] as const)('expects a dynamic emulator to work only on the host: %s', (_, flags, chroot, why) => {
    const emulator = { path: '/box64', sha256: 'ab', version: '0.3.4', loader: '/lib/ld.so' };
    expect(judge(observed({ flags, emulator, chroot, mountNamespace: chroot }))).toEqual({
      outcome: 'works',
      reasons: [],
      limits: why === null ? [] : [`host only: ${why}`],
    });
  });

  it('expects a static emulator with F to work in chroots', () => {
    const emulator = { path: '/qemu', sha256: 'ab', version: '7.2.22', loader: null };
    expect(judge(observed({ emulator, chroot: no })).outcome).toBe('fails');
  });

  it('reports unchecked credentials as a limit', () => {
    expect(judge(observed({ flags: ['C', 'F'] }))).toEqual({
      outcome: 'works',
      reasons: [],
      limits: ['credentials: no right (not checked)'],
    });
  });

  it('uses another expectation if given', () => {
    const asked = { ...expectationOf([]), chroots: true };
    expect(judge(observed({ flags: [], chroot: no }), asked).outcome).toBe('fails');
  });
});

describe('entryProblem', () => {
  const pattern = { type: 'extension', extension: 'x' } as const;
  const entry: Entry = { name: 'x', enabled: true, interpreter: '/x', flags: [], pattern };
  const facts = { instanceEnabled: true, interpreterExists: true, shadowedBy: null };

  it.each([
    [{}, {}, null],
    [{}, { instanceEnabled: false }, /binfmt_misc is disabled/],
    [{ enabled: false }, {}, /entry x is disabled/],
    [{}, { shadowedBy: 'y' }, /entry y is newer/],
    [{}, { interpreterExists: false }, /^\/x is missing$/],
    [{ flags: ['F'] as const }, { interpreterExists: false }, null],
  ])('of %j with %j', (changed, seen, expected) => {
    const problem = entryProblem({ ...entry, ...changed }, { ...facts, ...seen });
    if (expected === null) expect(problem).toBeNull();
    else expect(problem).toMatch(expected);
  });
});
