import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeReport, probeEnvironment, REPORT_SIZE } from '../../../src/elf/report.ts';
import type { ElfIdentity } from '../../../src/elf/types.ts';

const LITTLE: ElfIdentity = { class: 64, byteOrder: 'little', machine: 183 };
const BIG: ElfIdentity = { class: 32, byteOrder: 'big', machine: 20 };
const TEXT = 4096;

interface Content {
  readonly euid?: number;
  readonly exe?: string | Uint8Array;
  readonly argv0?: string | Uint8Array;
}

/** A report as a probe writes it. Other strings follow argv[0] in memory. */
function report(
  identity: ElfIdentity,
  { euid = 1000, exe = '/probe', argv0 = 'me' }: Content = {},
): Uint8Array {
  const bytes = Buffer.alloc(12 + 2 * TEXT);
  bytes.write('\x7fprobe1\n');
  if (identity.byteOrder === 'little') bytes.writeUInt32LE(euid, 8);
  else bytes.writeUInt32BE(euid, 8);
  bytes.set(Buffer.from(exe as string), 12);
  bytes.fill('BINFMTCTL_PROBE=...\0', 12 + TEXT);
  bytes.set([...Buffer.from(argv0 as string), ...(argv0.length < TEXT ? [0] : [])], 12 + TEXT);
  return Uint8Array.from(bytes);
}

describe('decodeReport', () => {
  it.each([LITTLE, BIG])('decodes user id, executable and argv[0] in byte order $byteOrder', (identity) => {
    const bytes = report(identity, { euid: 0xfffffffe, exe: '/usr/bin/qemu', argv0: 'argv zero' });
    expect(bytes.length).toBe(REPORT_SIZE);
    expect(decodeReport(bytes, identity)).toEqual({
      euid: 0xfffffffe,
      exe: '/usr/bin/qemu',
      argv0: 'argv zero',
    });
  });

  it('has no executable without /proc, and accepts an empty argv[0]', () => {
    expect(decodeReport(report(LITTLE, { exe: '', argv0: '' }), LITTLE)).toMatchObject({
      exe: null,
      argv0: '',
    });
  });

  it('decodes the middle of a larger buffer', () => {
    const larger = Buffer.concat([Buffer.from('xyz'), report(BIG), Buffer.from('xyz')]);
    expect(decodeReport(larger.subarray(3, -3), BIG)).toEqual({ euid: 1000, exe: '/probe', argv0: 'me' });
  });

  it('truncates a text of maximum size, and replaces bytes that are not UTF-8', () => {
    const long = decodeReport(
      report(LITTLE, { argv0: 'a'.repeat(TEXT), exe: '/e'.repeat(TEXT / 2) }),
      LITTLE,
    );
    expect(long).toMatchObject({ argv0: 'a'.repeat(TEXT), exe: '/e'.repeat(TEXT / 2) });
    expect(decodeReport(report(LITTLE, { argv0: Uint8Array.of(0x41, 0xff) }), LITTLE)?.argv0).toBe('A\ufffd');
  });

  it('rejects a report that is truncated, too long, or has another marker', () => {
    const bytes = report(LITTLE);
    for (const length of [0, 1, 8, 12, 12 + TEXT, REPORT_SIZE - 1])
      expect(decodeReport(bytes.subarray(0, length), LITTLE)).toBeNull();
    expect(decodeReport(Uint8Array.from([...bytes, 0]), LITTLE)).toBeNull();
    for (let index = 0; index < 8; index++) {
      const other = Uint8Array.from(bytes);
      other[index] = 0x20;
      expect(decodeReport(other, LITTLE)).toBeNull();
    }
  });

  it('accepts any bytes without throwing', () => {
    const patch = fc.tuple(fc.nat(REPORT_SIZE - 1), fc.uint8Array({ maxLength: 64 }));
    fc.assert(
      fc.property(patch, fc.nat(REPORT_SIZE + 10), ([at, noise], length) => {
        const bytes = new Uint8Array(REPORT_SIZE + 74);
        bytes.set(report(BIG));
        bytes.set(noise, at);
        const decoded = decodeReport(bytes.subarray(0, length), BIG);
        if (length !== REPORT_SIZE) expect(decoded).toBeNull();
      }),
    );
  });
});

describe('probeEnvironment', () => {
  it('has as many bytes as a probe writes from argv[0], none of them NUL', () => {
    const entry = Object.entries(probeEnvironment).map(([name, value]) => `${name}=${value}`);
    expect(entry.join('\0').length).toBeGreaterThanOrEqual(TEXT);
    expect(entry.join('')).not.toContain('\0');
  });
});
