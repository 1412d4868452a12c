import { describe, expect, it } from 'vitest';
import { planUninstall } from '../../../src/install/plan-uninstall.ts';
import type { Entry } from '../../../src/rule/types.ts';
import type { Registration } from '../../../src/state/registration.ts';

const entry: Entry = {
  name: 'qemu-arm',
  pattern: { type: 'magic', offset: 0, magic: Uint8Array.of(1), mask: null },
  interpreter: '/i',
  flags: [],
  enabled: true,
};
const { enabled: _, ...rule } = entry;
const registration: Registration = {
  arch: 'arm',
  rule,
  emulator: { profile: 'qemu', sha256: '', version: null },
  registered: true,
  persisted: [
    { path: '/etc/binfmt.d/a', previous: null },
    { path: '/etc/binfmt.d/b', previous: 'theirs' },
  ],
};
const files = [
  { path: '/etc/binfmt.d/b', now: 'ours' },
  { path: '/etc/binfmt.d/a', now: 'ours, too' },
];
const note = { path: '/store/registrations/qemu-arm.json', text: 'note' };
const whole = { entry, registration, files, registrationFile: note };

describe('planUninstall', () => {
  const unregister = { kind: 'unregister', entry };
  const restore = [
    { kind: 'delete', path: '/etc/binfmt.d/a', previous: 'ours, too' },
    { kind: 'write', path: '/etc/binfmt.d/b', text: 'theirs', previous: 'ours' },
  ];
  const forget = { kind: 'delete', path: note.path, previous: 'note' };

  it('removes the entry, restores the boot files, and finally deletes the registration', () => {
    expect(planUninstall(whole)).toEqual([unregister, ...restore, forget]);
  });

  it('keeps an entry that binfmtctl only made persistent', () => {
    const theirs = { ...registration, registered: false };
    expect(planUninstall({ ...whole, registration: theirs })).toEqual([...restore, forget]);
  });

  it('removes a named entry of another program', () => {
    const named = { entry, registration: null, files: [], registrationFile: null };
    expect(planUninstall(named)).toEqual([unregister]);
  });

  it('restores the boot files of a missing entry', () => {
    expect(planUninstall({ ...whole, entry: null })).toEqual([...restore, forget]);
  });

  it.each([
    ['that are missing', [{ path: '/etc/binfmt.d/a', now: null }]],
    ['that were not read', []],
  ])('does not touch files %s', (__, seen) => {
    expect(planUninstall({ ...whole, files: seen })).toEqual([unregister, forget]);
  });
});
