import { describe, expect, it } from 'vitest';
import { type Native, refuseUnsafe } from '../../../src/plan/safety.ts';
import { nativePattern } from '../../../src/rule/algebra.ts';
import type { Pattern, Rule } from '../../../src/rule/types.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const X86_64 = '7f454c4602010100000000000000000002003e00';
const AARCH64 = '7f454c460201010000000000000000000200b700';
const MASK = 'fffffffffffffffcfffffffffffffffffeffffff';
const natives: Native[] = [{ what: 'x86_64 programs', pattern: nativePattern(bytes(X86_64), bytes(MASK)) }];
const emulator = bytes(X86_64);

const rule = (pattern: Pattern, interpreter = '/usr/bin/emulator'): Rule => ({
  name: 't',
  pattern,
  interpreter,
  flags: ['F'],
});
const magic = (hex: string, mask: string | null, offset = 0): Pattern => ({
  type: 'magic',
  offset,
  magic: bytes(hex),
  mask: mask === null ? null : bytes(mask),
});

describe('refuseUnsafe', () => {
  it('lets a foreign arch pass', () => {
    expect(() => refuseUnsafe(rule(magic(AARCH64, MASK)), natives, emulator)).not.toThrow();
  });

  it.each([
    ["the machine's own arch", magic(X86_64, MASK)],
    ['a mask of zeros', magic('00', '00')],
    ['every ELF file', magic('7f454c46', null)],
    ['the machine alone at its offset', magic('3e00', null, 18)],
    ['every position-independent ELF file', magic('03', null, 16)],
    ['an AppImage of the own arch', magic('7f454c460201014149020000', 'ffffffffffffff0000000000')],
  ])('refuses %s', (_, pattern) => {
    expect(() => refuseUnsafe(rule(pattern), natives, null)).toThrow(
      expect.objectContaining({ code: 'UNSAFE_RULE' }),
    );
  });

  it('refuses `#!` scripts', () => {
    expect(() => refuseUnsafe(rule(magic('2321', null)), natives, null)).toThrow(/scripts/);
  });

  it.each([
    ['by its bytes', magic(AARCH64, MASK), bytes(AARCH64), '/usr/bin/emulator'],
    ['by its extension', { type: 'extension', extension: 'exe' } as const, emulator, '/opt/wine.exe'],
  ])('refuses a rule that matches its own interpreter %s', (_, pattern, head, interpreter) => {
    expect(() => refuseUnsafe(rule(pattern, interpreter), natives, head)).toThrow(/its own interpreter/);
  });
});
