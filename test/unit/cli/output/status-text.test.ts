import { describe, expect, it } from 'vitest';
import { statusText } from '../../../../src/cli/output/status-text.ts';
import { builtinCatalogue } from '../../../../src/profiles/builtin.ts';
import type { Entry, Flag } from '../../../../src/rule/types.ts';
import type { StatusLine, StatusResult } from '../../../../src/verify/status.ts';

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');

const NOW = new Date(2026, 10, 30, 14, 0);
const at = (hours: number, day = 30): string => new Date(2026, 10, day, hours, 38).toISOString();

const proof = {
  entry: '',
  holds: true,
  why: '',
  limits: [],
  at: at(12),
  sha256: 'f'.repeat(64),
  version: null,
};

function line(arch: string | null, name: string, flags: string, more: Partial<StatusLine> = {}): StatusLine {
  const interpreter = `/store/sha256/${'0'.repeat(64)}/${name}`;
  const pattern = { type: 'extension', extension: 'x' } as const;
  const entry: Entry = { name, pattern, interpreter, flags: [...flags] as Flag[], enabled: true };
  return {
    ...{ entry, arch, ours: true, emulator: 'qemu', version: '7.2.22', interpreterExists: true },
    ...{ held: null, shadowedBy: null, problem: null, proof },
    ...more,
  };
}

function entryOf(each: StatusLine, change: Partial<Entry>): StatusLine {
  return { ...each, entry: { ...each.entry, ...change } };
}

const LINES: readonly StatusLine[] = [
  line('aarch64', 'qemu-aarch64', 'POF'),
  line('riscv64', 'qemu-riscv64', 'POF'),
  line('x86_64', 'box64', '', {
    ...{ emulator: 'box64', version: '0.3.4' },
    proof: { ...proof, limits: ['host only: the emulator is dynamic'] },
  }),
  entryOf(
    line('s390x', 'qemu-s390x', 'PO', {
      ...{ version: null, proof: null, interpreterExists: false, problem: '/usr/bin/qemu-s390x is missing' },
    }),
    { interpreter: '/usr/bin/qemu-s390x' },
  ),
  entryOf(line(null, 'python3.11', '', { ours: false, emulator: null, version: null, proof: null }), {
    interpreter: '/usr/bin/python3.11',
  }),
];

const result = (entries: readonly StatusLine[], more: Partial<StatusResult> = {}): StatusResult =>
  ({
    schema: 'binfmtctl/status/2',
    instance: { directory: '/proc/sys/fs/binfmt_misc', mounted: true, enabled: true, scope: 'host' },
    ...{ proofsUnknown: null, entries, gone: [], halfDone: false },
    ...more,
  }) as StatusResult;

const textOf = (status: StatusResult, columns?: number): string =>
  statusText(status, {
    ...{ catalogue: builtinCatalogue(), verbose: false, now: NOW },
    shown: { isTTY: columns !== undefined, columns },
  });

/** Without colours. */
const plain = (text: string): string => text.replaceAll(COLOURS, '');

describe('the table of status', () => {
  it('is that of the design, and fits 80 columns', () => {
    const expected = `binfmt_misc is mounted and enabled (this machine). 5 entries.

  ARCH     EMULATOR     ENTRY         FLAGS  STATE
✔ arm64    qemu 7.2.22  qemu-aarch64  POF    verified 12:38
✔ riscv64  qemu 7.2.22  qemu-riscv64  POF    verified 12:38
! amd64    box64 0.3.4  box64         -      host only: the emulator is dynamic
✖ s390x    qemu         qemu-s390x    PO     /usr/bin/qemu-s390x is missing
? -        python3.11   python3.11    -      not an architecture
`;
    expect(textOf(result(LINES))).toBe(expected);
    expect(plain(textOf(result(LINES), 80))).toBe(expected);
    expect(plain(textOf(result(LINES), 120))).toBe(expected);
  });

  it('fits 60 columns', () => {
    const text = plain(textOf(result(LINES), 60));
    expect(text).toContain(`! amd64    box64 0.3.4  box64         -
           host only: the emulator is dynamic
`);
    for (const each of text.split('\n')) expect(each.length).toBeLessThanOrEqual(60);
  });

  it('has colours on a terminal alone, for the symbols and the heading', () => {
    expect(textOf(result(LINES))).not.toContain('\x1b');
    const text = textOf(result(LINES), 80);
    expect(text).toContain('\x1b[32m✔\x1b[39m arm64');
    expect(text).toContain('\x1b[31m✖\x1b[39m s390x');
  });

  it('names paths and digests with --verbose alone', () => {
    expect(textOf(result(LINES))).not.toMatch(/[0-9a-f]{64}/);
    const options = { catalogue: builtinCatalogue(), verbose: true, now: NOW, shown: { isTTY: false } };
    expect(statusText(result(LINES), options)).toMatch(
      /^qemu-aarch64: \/store\/sha256\/0{64}\/qemu-aarch64$/m,
    );
  });
});

describe('the state of an entry', () => {
  const [arm64] = LINES as [StatusLine];
  it.each<[string, StatusLine, string]>([
    ['disabled', entryOf({ ...arm64, problem: 'x' }, { enabled: false }), '✖ .* disabled'],
    ['shadowed', { ...arm64, shadowedBy: 'newer' }, '! .* never reached: entry newer is newer'],
    ['not verified', { ...arm64, proof: null }, '\\? .* not verified'],
    [
      'failed',
      { ...arm64, proof: { ...proof, holds: false, why: 'on the host: no' } },
      '✖ .* fails: on the host: no',
    ],
    [
      'not checked',
      { ...arm64, proof: { ...proof, holds: null, why: 'no rights' } },
      '\\? .* not checked: no rights',
    ],
    ['verified on another day', { ...arm64, proof: { ...proof, at: at(9, 3) } }, '✔ .* verified 2026-11-03'],
    ['replaced', { ...arm64, held: 'replaced' }, '! .* restart needed: the emulator was replaced'],
  ])('%s', (_, each, expected) => {
    expect(textOf(result([each]))).toMatch(new RegExp(`^${expected}$`, 'm'));
  });

  it('of a disabled instance is said in the header, with the command that enables it', () => {
    const instance = { directory: '/x', mounted: true, enabled: false, scope: 'host' } as never;
    const text = textOf(result([{ ...arm64, problem: 'binfmt_misc is disabled' }], { instance }));
    expect(text).toMatch(/^binfmt_misc is mounted but disabled \(this machine\)\. 1 entry\.$/m);
    expect(text).toMatch(/^✖ .* not in effect$/m);
    expect(text).toContain('echo 1 > /x/status');
  });

  it('is that of no entry where there is none', () => {
    expect(textOf(result([]))).toBe(`binfmt_misc is mounted and enabled (this machine). No entries.
\`sudo binfmtctl install arm64\` registers one
`);
  });
});
