import { describe, expect, it } from 'vitest';
import { summaryRows } from '../../../../src/cli/action/summary.ts';
import type { Proof } from '../../../../src/probe/verdict.ts';
import type { StatusResult } from '../../../../src/verify/status.ts';

const held = { holds: true };
const proofOf = (changed: Partial<Proof>): Proof => ({
  ...{ arch: 'riscv64', entry: 'qemu-riscv64', flags: ['F'], native: false, emulator: null, held: null },
  ...{ host: held, chroot: held, mountNamespace: held, argv0: held, credentials: held },
  verdict: { outcome: 'works', reasons: [], limits: [] },
  ...changed,
});
type Line = StatusResult['entries'][number];
const lineOf = (changed: Partial<Line>): Line => ({
  entry: {
    name: 'qemu-riscv64',
    enabled: true,
    interpreter: '/usr/bin/qemu-riscv64',
    flags: ['F'],
    pattern: { type: 'extension', extension: 'x' },
  },
  ...{ arch: 'riscv64', ours: true, emulator: 'qemu', version: '10.0.2' },
  ...{ interpreterExists: true, held: null, shadowedBy: null, problem: null, proof: null },
  ...changed,
});
const rows = (
  lines: readonly Partial<Line>[],
  proofs: readonly Proof[] = [],
  missing: readonly { arch: string; why: string }[] = [],
) => summaryRows({ entries: lines.map(lineOf) } as unknown as StatusResult, { proofs, missing }).slice(1);

describe('summaryRows', () => {
  it('says where an emulator was proved', () => {
    expect(rows([{}], [proofOf({})])).toEqual([
      ['riscv64', 'qemu-riscv64', 'qemu', '10.0.2', 'host, chroot, mount namespace, argv[0], credentials'],
    ]);
  });

  it('says what fails, and what could not be tried, with the reason', () => {
    const proof = proofOf({
      chroot: { holds: false, why: 'no such file' },
      credentials: { holds: null, why: 'not asked for' },
      argv0: { holds: null },
    });
    expect(rows([{}], [proof])[0]?.at(-1)).toBe(
      'host, mount namespace; chroot fails: no such file; credentials not tried: not asked for',
    );
  });

  it('speaks of entries that were not proved now, of those that run no programs, and leaves other formats out', () => {
    const recorded = {
      entry: 'x',
      holds: false,
      why: 'it hangs',
      limits: [],
      at: '',
      sha256: null,
      version: null,
    };
    const lines = [{}, { proof: recorded }, { problem: 'entry x is disabled' }, { arch: null }];
    expect(rows(lines).map((row) => row.at(-1))).toEqual([
      ...['not proved', 'fails: it hangs', 'entry x is disabled'],
    ]);
  });

  it('ends with what was left out, and why', () => {
    expect(rows([], [], [{ arch: 'sh4', why: 'none was found' }])).toEqual([
      ['sh4', '-', '-', '-', 'left out: none was found'],
    ]);
  });

  it('lets nothing pass for HTML', () => {
    const [row] = rows([], [], [{ arch: 'sh4', why: '<img src="x">&\n|' }]);
    expect(row?.at(-1)).toBe('left out: &#60;img src=&#34;x&#34;&#62;&#38;\\x0a&#124;');
  });
});
