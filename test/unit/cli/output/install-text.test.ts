import { describe, expect, it } from 'vitest';
import { installText } from '../../../../src/cli/output/install-text.ts';
import type { InstallResult } from '../../../../src/install/install.ts';
import type { InstalledEmulator } from '../../../../src/install/installed-emulators.ts';
import type { Proof } from '../../../../src/probe/verdict.ts';

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');

const holds = { holds: true };

function emulator(arch: string, more: Partial<InstalledEmulator> = {}): InstalledEmulator {
  const path = `/store/sha256/${'0'.repeat(64)}/qemu-${arch}`;
  return {
    ...{ arch, entry: `qemu-${arch}`, emulator: 'qemu', version: '7.2.22', path, sha256: '0'.repeat(64) },
    ...{ static: true, origin: 'apt', source: 'apt', release: 'bookworm', persisted: false },
    ...more,
  };
}

const proof = (arch: string, more: Partial<Proof> = {}): Proof => ({
  ...{ arch, entry: `qemu-${arch}`, flags: ['P', 'O', 'F'], native: false, emulator: null, held: 'same' },
  ...{ host: holds, chroot: holds, mountNamespace: holds, argv0: holds, credentials: { holds: null } },
  verdict: { outcome: 'works', reasons: [], limits: [] },
  ...more,
});

const result = (more: Partial<InstallResult> = {}): InstallResult => ({
  ...{ schema: 'binfmtctl/install/1', dryRun: false, steps: [], scope: 'host', notes: [], warnings: [] },
  ...{ unchanged: [], missing: [], toFetch: [], duration: { lasts: 'reboot', canPersist: true } },
  emulators: [emulator('aarch64'), emulator('riscv64')],
  proofs: [proof('aarch64'), proof('riscv64')],
  ...more,
});

const textOf = (of: InstallResult, { columns = 0, quiet = false, verbose = false } = {}): string =>
  installText(of, {
    ...{ verbose, quiet, seconds: 4.123, shown: { isTTY: columns > 0, columns } },
    persistCommand: 'sudo binfmtctl install arm64 riscv64 --persist',
  }).replaceAll(COLOURS, '');

describe('what install prints', () => {
  it('is that of the design, and fits 80 columns', () => {
    const expected = `✔ arm64    qemu 7.2.22 (apt, bookworm)  registered and verified
✔ riscv64  qemu 7.2.22 (apt, bookworm)  registered and verified
Ready in 4.1 s, on this machine and in its containers, until the next reboot.
To keep it: sudo binfmtctl install arm64 riscv64 --persist
`;
    expect(textOf(result())).toBe(expected);
    expect(textOf(result(), { columns: 80 })).toBe(expected);
    expect(textOf(result(), { columns: 120 })).toBe(expected);
  });

  it('fits 60 columns', () => {
    expect(textOf(result(), { columns: 60 })).toBe(`✔ arm64    qemu 7.2.22 (apt, bookworm)
           registered and verified
✔ riscv64  qemu 7.2.22 (apt, bookworm)
           registered and verified
Ready in 4.1 s, on this machine and in its containers, until
the next reboot.
To keep it: sudo binfmtctl install arm64 riscv64 --persist
`);
  });

  it('for what works already is one line that says so', () => {
    const [arm64] = result().emulators as [InstalledEmulator];
    const emulators = [{ ...arm64, origin: null, source: null, release: null }];
    const unchanged = ['aarch64'];
    expect(textOf(result({ emulators, unchanged, duration: null }))).toBe(
      '✔ arm64  already works: qemu 7.2.22, entry qemu-aarch64\n',
    );
  });

  it('tells where and how long it works, as far as that is known', () => {
    const last = (of: InstallResult): string | undefined => textOf(of).split('\n').at(-2);
    const lasting = (lasts: 'always' | 'restart' | 'namespace' | 'unknown') => ({ lasts, canPersist: false });
    expect(last(result({ duration: lasting('always') }))).toBe(
      'Ready in 4.1 s, on this machine and in its containers, also after a reboot.',
    );
    expect(last(result({ duration: lasting('restart') }))).toMatch(
      /until the next reboot or restart of systemd-binfmt\.$/,
    );
    expect(last(result({ scope: 'namespace', duration: lasting('namespace') }))).toBe(
      'Ready in 4.1 s, in this user namespace only.',
    );
    expect(last(result({ duration: lasting('unknown') }))).toBe(
      'Ready in 4.1 s, on this machine and in its containers.',
    );
  });

  it('does not promise containers what was not seen to work there', () => {
    const verdict = {
      outcome: 'works',
      reasons: [],
      limits: ['host only: the emulator is dynamic'],
    } as const;
    const chroot = { holds: false };
    const box64 = emulator('x86_64', { emulator: 'box64', version: '0.3.4', source: null, origin: 'PATH' });
    const text = textOf(result({ emulators: [box64], proofs: [proof('x86_64', { verdict, chroot })] }));
    expect(text).toContain(
      '! amd64  box64 0.3.4 (this machine)  registered and verified; host only: the emulator is dynamic\n',
    );
    expect(text).toContain('Ready in 4.1 s, on this machine, until');
  });

  it('without proofs claims none', () => {
    const text = textOf(result({ proofs: [] }));
    expect(text).toContain('? arm64    qemu 7.2.22 (apt, bookworm)  registered, not verified\n');
    expect(text).toContain('Registered in 4.1 s, on this machine, until the next reboot.');
  });

  it('with --quiet is the lines of the architectures alone', () => {
    expect(textOf(result(), { quiet: true }).split('\n').length).toBe(3);
  });

  it('has paths and digests with --verbose alone', () => {
    expect(textOf(result())).not.toMatch(/[0-9a-f]{64}/);
    expect(textOf(result(), { verbose: true })).toContain(`  sha256 ${'0'.repeat(64)}\n`);
  });
});
