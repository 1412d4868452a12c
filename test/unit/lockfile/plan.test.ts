import { describe, expect, it } from 'vitest';
import type { LockedEmulator } from '../../../src/file-format/lock-file.ts';
import {
  groupBySource,
  lockChanges,
  lockedFor,
  requireGuests,
  requireLocked,
  withLocked,
} from '../../../src/lockfile/plan.ts';

const FILE = 'binfmtctl.lock';
const QEMU: LockedEmulator = {
  emulator: 'qemu',
  source: 'apt',
  version: '7.2.22',
  sha256: 'ab'.repeat(32),
  size: 12,
};
const OTHER = { ...QEMU, sha256: 'cd'.repeat(32), version: '8.0.0' };
const refusal = (message: RegExp, hint: RegExp) =>
  expect.objectContaining({
    code: 'LOCK_MISMATCH',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });

describe("a lock file's part", () => {
  const lock = { hosts: { x86_64: { arm: QEMU }, riscv64: {} } };

  it('is the one for this host', () => {
    expect(lockedFor(lock, 'x86_64', FILE)).toEqual({ arm: QEMU });
  });

  it.each(['aarch64', 'constructor'])('does not exist for another host: %s', (host) => {
    const message = new RegExp(`^${FILE} has no emulators for ${host} machines, only for x86_64, riscv64$`);
    expect(() => lockedFor(lock, host, FILE)).toThrow(refusal(message, /`binfmtctl lock --update arm`/));
    const named = refusal(message, /`binfmtctl lock --update s390x riscv64`/);
    expect(() => lockedFor(lock, host, FILE, ['s390x', 'riscv64'])).toThrow(named);
  });

  it('must have every requested guest; the error names all missing ones', () => {
    expect(() => requireGuests({ arm: QEMU }, ['arm'], FILE)).not.toThrow();
    expect(() => requireGuests({ arm: QEMU }, ['s390x', 'arm', 'valueOf'], 'ci/own.lock')).toThrow(
      refusal(/has no emulator for s390x, valueOf$/, /--update s390x valueOf --lock-file ci\/own\.lock/),
    );
  });

  it('accepts the same bytes from another source', () => {
    expect(() => requireLocked('arm', QEMU, { ...QEMU, source: 'dir:/x' }, FILE)).not.toThrow();
  });

  it.each([
    [{ sha256: OTHER.sha256 }, /expected sha256 abab\w+ as in binfmtctl\.lock, found cdcd\w+$/],
    [OTHER, /found cdcd\w+ \(version 8\.0\.0, not 7\.2\.22\)$/],
    [{ size: 13 }, /expected size 12 as in binfmtctl\.lock, found 13$/],
    [{ version: null }, /expected version 7\.2\.22 as in binfmtctl\.lock, found null$/],
    [{ emulator: 'box64' }, /expected emulator qemu as in binfmtctl\.lock, found box64$/],
  ])('refuses another emulator, with expected and found: %j', (found, message) => {
    expect(() => requireLocked('arm', { ...QEMU, ...found }, QEMU, FILE)).toThrow(
      refusal(message, /lock --update arm`; otherwise do not trust it/),
    );
  });
});

describe('an updated lock file', () => {
  it('keeps the parts of other hosts and the other guests', () => {
    const lock = { hosts: { x86_64: { arm: QEMU, s390x: QEMU }, riscv64: { arm: QEMU } } };
    expect(withLocked(lock, 'x86_64', { arm: OTHER })).toEqual({
      hosts: { x86_64: { arm: OTHER, s390x: QEMU }, riscv64: { arm: QEMU } },
    });
    expect(withLocked({ hosts: {} }, 'x86_64', { arm: QEMU })).toEqual({ hosts: { x86_64: { arm: QEMU } } });
  });

  it('distinguishes new from changed emulators', () => {
    const moved = { ...QEMU, source: 'dir:/x' };
    expect(
      lockChanges({ arm: QEMU, sh4: QEMU, m68k: QEMU }, { arm: QEMU, sh4: moved, alpha: OTHER }),
    ).toEqual([
      { arch: 'sh4', before: QEMU, after: moved },
      { arch: 'alpha', before: null, after: OTHER },
    ]);
  });

  it('groups emulators by source', () => {
    const box = { ...QEMU, emulator: 'box64' };
    const part = { arm: QEMU, sh4: { ...QEMU, source: 'dir:/x' }, m68k: OTHER, x86_64: box };
    expect(groupBySource(part, ['arm', 'sh4', 'm68k', 'x86_64', 'alpha'])).toEqual([
      { source: 'apt', emulator: 'qemu', guests: ['arm', 'm68k'] },
      { source: 'dir:/x', emulator: 'qemu', guests: ['sh4'] },
      { source: 'apt', emulator: 'box64', guests: ['x86_64'] },
      { source: undefined, emulator: undefined, guests: ['alpha'] },
    ]);
  });
});
