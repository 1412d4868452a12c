import { describe, expect, it } from 'vitest';
import { type DesiredState, type PlanOptions, planInstall } from '../../../src/install/plan.ts';
import type { Entry, Rule } from '../../../src/rule/types.ts';

const rule: Rule = {
  name: 'qemu-aarch64',
  pattern: { type: 'magic', offset: 0, magic: Uint8Array.of(1, 2), mask: null },
  interpreter: '/usr/bin/qemu-aarch64',
  flags: ['P', 'O', 'F'],
};
const entry: Entry = { ...rule, enabled: true };
const other: Entry = { ...entry, interpreter: '/opt/other' };
const wanted: DesiredState[] = [
  { arch: 'aarch64', rule, files: [{ path: '/s/r.json', text: 'new', previous: null }] },
];
const plain: PlanOptions = { replace: false, prove: true };
const kinds = (entries: Entry[], ours: string[], options = plain): string[] =>
  planInstall({ entries, ours: new Set(ours) }, wanted, options).map(({ kind }) => kind);

describe('planInstall', () => {
  it('writes the registration, registers the rule and probes it if there is no entry', () => {
    expect(kinds([], [])).toEqual(['write', 'register', 'prove']);
  });

  it('only probes if the desired state is reached', () => {
    const held = [
      { ...wanted[0], files: [{ path: '/s/r.json', text: 'new', previous: 'new' }] },
    ] as typeof wanted;
    const steps = planInstall({ entries: [entry], ours: new Set(['qemu-aarch64']) }, held, plain);
    expect(steps).toEqual([{ kind: 'prove', arches: [{ arch: 'aarch64', entry: 'qemu-aarch64' }] }]);
  });

  it.each([
    ['ours', ['qemu-aarch64']],
    ['of another program', []],
  ])('registers the same rule again if its entry, %s, holds an old file', (_, ours) => {
    const present = { entries: [entry], ours: new Set(ours), outdated: new Set(['qemu-aarch64']) };
    expect(planInstall(present, wanted, plain).map(({ kind }) => kind)).toEqual(
      'write register prove unregister register unregister prove'.split(' '),
    );
  });

  it('moves an entry to the front if a newer one shadows it', () => {
    const shadowed = { ours: new Set(['qemu-aarch64']), shadowed: new Set(['qemu-aarch64']) };
    const newer: Entry = { ...entry, name: 'newer', interpreter: '/opt/newer' };
    const steps = planInstall({ entries: [newer, entry], ...shadowed }, wanted, plain);
    expect(steps.map((step) => [step.kind, nameOf(step)]).slice(1)).toEqual([
      ['register', 'qemu-aarch64.staged'],
      ['prove', 'qemu-aarch64.staged'],
      ['unregister', 'qemu-aarch64'],
      ['register', 'qemu-aarch64'],
      ['unregister', 'qemu-aarch64.staged'],
      ['prove', 'qemu-aarch64'],
    ]);
  });

  it('enables a disabled entry', () => {
    expect(kinds([{ ...entry, enabled: false }], [])).toEqual(['write', 'enable', 'prove']);
  });

  it('refuses to replace an entry of another program', () => {
    expect(() => kinds([other], [])).toThrow(expect.objectContaining({ code: 'ENTRY_NOT_OURS' }));
  });

  it.each([
    ['ours', ['qemu-aarch64'], plain],
    ['replaced on request', [], { ...plain, replace: true }],
  ])('replaces an entry without a gap if it is %s', (_, ours, options) => {
    const steps = planInstall({ entries: [other], ours: new Set(ours) }, wanted, options);
    expect(steps.map((step) => [step.kind, nameOf(step)])).toEqual([
      ['write', ''],
      ['register', 'qemu-aarch64.staged'],
      ['prove', 'qemu-aarch64.staged'],
      ['unregister', 'qemu-aarch64'],
      ['register', 'qemu-aarch64'],
      ['unregister', 'qemu-aarch64.staged'],
      ['prove', 'qemu-aarch64'],
    ]);
  });

  it('avoids the name of a staged entry from a killed replacement, and removes it at the end', () => {
    const left: Entry = { ...other, name: 'qemu-aarch64.staged' };
    const present = { entries: [left, other], ours: new Set(['qemu-aarch64']) };
    const steps = planInstall(present, wanted, plain).map((step) => [step.kind, nameOf(step)]);
    expect(steps).toEqual([
      ['write', ''],
      ['register', 'qemu-aarch64.staged2'],
      ['prove', 'qemu-aarch64.staged2'],
      ['unregister', 'qemu-aarch64'],
      ['register', 'qemu-aarch64'],
      ['unregister', 'qemu-aarch64.staged2'],
      ['unregister', 'qemu-aarch64.staged'],
      ['prove', 'qemu-aarch64'],
    ]);
  });

  it('omits the probe on request', () => {
    expect(kinds([], [], { ...plain, prove: false })).toEqual(['write', 'register']);
  });
});

function nameOf(step: ReturnType<typeof planInstall>[number]): string {
  if (step.kind === 'register') return step.rule.name;
  if (step.kind === 'unregister') return step.entry.name;
  return step.kind === 'prove' ? (step.arches[0]?.entry ?? '') : '';
}
