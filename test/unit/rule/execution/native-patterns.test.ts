import { describe, expect, it } from 'vitest';
import { nativePatterns } from '../../../../src/rule/execution/native-patterns.ts';
import { matches } from '../../../../src/rule/match.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const X86_64 = '7f454c4602010100000000000000000002003e00';
const I386 = '7f454c4601010100000000000000000002000300';
const RISCV64 = '7f454c460201010000000000000000000200f300';
const MIPSN32 = '7f454c46010201000000000000000000000200080000000100000000000000000000000000000020';
const takes = (native: string, head: Uint8Array): boolean =>
  nativePatterns(bytes(native)).some((pattern) => matches(pattern, head, ''));
const changed = (hex: string, at: number, byte: number): Uint8Array => bytes(hex).fill(byte, at, at + 1);

describe('nativePatterns', () => {
  it.each([4, 5, 6, 7, 8, 9, 10, 15])("ignores byte %i of e_ident, like x86's loader", (at) => {
    expect(takes(X86_64, changed(X86_64, at, 0x77))).toBe(true);
  });

  it.each([
    ['the ELF magic', 1],
    ['e_type', 16],
    ['e_machine', 18],
  ])('compares %s', (_, at) => {
    expect(takes(X86_64, changed(X86_64, at, 0x77))).toBe(false);
  });

  it('includes EM_486 in addition to EM_386', () => {
    expect(takes(I386, changed(I386, 18, 6))).toBe(true);
  });

  it('compares the class if elf_check_arch() does: riscv32 is foreign to a riscv64 kernel', () => {
    expect(takes(RISCV64, bytes(RISCV64))).toBe(true);
    expect(takes(RISCV64, changed(RISCV64, 4, 1))).toBe(false);
  });

  it('distinguishes n32 from o32 by e_flags', () => {
    expect(takes(MIPSN32, bytes(MIPSN32))).toBe(true);
    expect(takes(MIPSN32, changed(MIPSN32, 39, 0))).toBe(false);
  });

  it('reads e_machine in the byte order of the file', () => {
    const aarch64 = '7f454c460201010000000000000000000200b700';
    expect(takes(aarch64, bytes('7f454c46020201000000000000000000000200b7'))).toBe(false);
  });

  it('is empty for a file that is not ELF', () => {
    expect(nativePatterns(bytes('23212f62696e2f7368'))).toEqual([]);
  });
});
