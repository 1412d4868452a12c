import { describe, expect, it } from 'vitest';
import { servingEmulators } from '../../../src/install/installed-emulators.ts';
import type { Proof } from '../../../src/probe/verdict.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';
import type { Entry } from '../../../src/rule/types.ts';

const ENTRY: Entry = {
  name: 'qemu-aarch64',
  enabled: true,
  interpreter: '/usr/bin/qemu-aarch64',
  flags: ['F'],
  pattern: { type: 'magic', offset: 0, magic: new Uint8Array([0x7f]), mask: null },
};

const proof = (path: string): Proof => ({
  arch: 'aarch64',
  entry: ENTRY.name,
  flags: ENTRY.flags,
  native: false,
  emulator: { path, sha256: 'ab', version: '7.2.22', loader: null },
  held: null,
  host: { holds: true },
  chroot: { holds: true },
  mountNamespace: { holds: true },
  argv0: { holds: null, why: 'not checked' },
  credentials: { holds: null, why: 'not checked' },
  verdict: { outcome: 'works', reasons: [], limits: [] },
});

const nameOf = (path: string) =>
  servingEmulators([proof(path)], [ENTRY], new Map(), builtinCatalogue())[0]?.emulator;

describe('the emulator of a working entry', () => {
  it('is known by its own path', () => {
    expect(nameOf('/usr/bin/qemu-aarch64')).toBe('qemu');
  });

  it("is known by the entry's interpreter if the file of another container has no usual path", () => {
    expect(nameOf('/')).toBe('qemu');
  });
});
