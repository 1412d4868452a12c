import { describe, expect, it } from 'vitest';
import { nativePatterns } from '../../../../src/rule/execution/native-patterns.ts';
import { matches } from '../../../../src/rule/match.ts';

interface Header {
  readonly machine: number;
  readonly bits?: 32 | 64;
  readonly isBig?: boolean;
  readonly type?: number;
  readonly flags?: number;
  readonly size?: number;
}

function header({ machine, bits = 64, isBig = false, type = 2, flags = 0, size = 64 }: Header): Uint8Array {
  const bytes = Buffer.alloc(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits / 32, isBig ? 2 : 1, 1]);
  const put = (value: number, at: number) =>
    isBig ? bytes.writeUInt16BE(value, at) : bytes.writeUInt16LE(value, at);
  put(type, 16);
  put(machine, 18);
  if (isBig) bytes.writeUInt32BE(flags, 36);
  else bytes.writeUInt32LE(flags, 36);
  return bytes.subarray(0, size);
}

/** True if a kernel that runs `seen` also runs `other`. */
const runs = (seen: Header, other: Header): boolean =>
  nativePatterns(header(seen)).some((pattern) => matches(pattern, header(other), ''));

describe('nativePatterns', () => {
  it.each([
    [3, 6],
    [22, 0xa390],
    [92, 0x8472],
    [189, 0xbaab],
  ])('cover all numbers of one machine: %i and %i', (one, other) => {
    for (const isBig of [false, true])
      for (const [seen, tried] of [
        [one, other],
        [other, one],
        [one, one],
      ] as const)
        expect(runs({ machine: seen, isBig }, { machine: tried, isBig })).toBe(true);
    expect(runs({ machine: one }, { machine: other + 1 })).toBe(false);
  });

  it.each([8, 15, 22, 0xa390, 243, 258])('cover one class for machine %i', (machine) => {
    expect(runs({ machine }, { machine })).toBe(true);
    expect(runs({ machine }, { machine, bits: 32 })).toBe(false);
    expect(runs({ machine, bits: 32 }, { machine })).toBe(false);
  });

  it.each([3, 62, 183, 21, 40])('cover both classes for machine %i', (machine) => {
    expect(runs({ machine }, { machine, bits: 32 })).toBe(true);
  });

  it.each([false, true])('only cover executables and shared objects, big-endian: %s', (isBig) => {
    const [seen, tried] = [
      { machine: 183, isBig },
      { machine: 183, isBig },
    ];
    expect([0, 1, 2, 3, 4, 0x102].map((type) => runs(seen, { ...tried, type }))).toEqual([
      false,
      false,
      true,
      true,
      false,
      false,
    ]);
  });

  it('cover one byte order', () => {
    expect(runs({ machine: 183 }, { machine: 183, isBig: true })).toBe(false);
  });

  it.each([false, true])('distinguish n32 from o32 for MIPS, big-endian: %s', (isBig) => {
    const o32: Header = { machine: 8, bits: 32, isBig };
    const n32: Header = { ...o32, flags: 0x20 };
    expect([runs(o32, o32), runs(o32, n32), runs(n32, n32), runs(n32, o32)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    // Other flags are ignored, and all flags for 64 bits.
    expect(runs(n32, { ...n32, flags: 0xffff_ffff })).toBe(true);
    expect(runs({ ...o32, bits: 64 }, { ...n32, bits: 64 })).toBe(true);
    expect(nativePatterns(header(o32)).map(({ magic }) => magic.length)).toEqual([40]);
    expect(nativePatterns(header({ ...o32, bits: 64 })).map(({ magic }) => magic.length)).toEqual([20]);
  });

  it('ignore the flags of other 32-bit machines', () => {
    expect(nativePatterns(header({ machine: 40, bits: 32 })).map(({ magic }) => magic.length)).toEqual([20]);
  });

  it('are empty for a file that is not ELF or too short', () => {
    expect(nativePatterns(header({ machine: 62, size: 19 }))).toEqual([]);
    expect(nativePatterns(header({ machine: 62, size: 20 }))).toHaveLength(1);
    for (const at of [0, 1, 2, 3])
      expect(nativePatterns(header({ machine: 62 }).fill(0, at, at + 1))).toEqual([]);
  });
});
