import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOST_ARCHES } from '../../../src/elf/exec-helper/hosts.ts';
import { ISAS } from '../../../src/elf/isa/index.ts';
import { type Code, type Isa, MAX_CONSTANT } from '../../../src/elf/isa/types.ts';
import { identitiesOf } from './identities.ts';

/** Bits `at` to `at + size - 1` of a unit, and their value as a signed number. */
const bits = (unit = 0, at: number, size: number) => (unit >>> at) & (2 ** size - 1);
const signed = (value: number, size: number) => (value << (32 - size)) >> (32 - size);
const halves = (high: number, low: number) => (high << 16) | low;

/** The value of the register after the instructions of `set`, computed as in the manuals. */
const VALUE_OF: Readonly<Record<string, (code: Code) => number>> = {
  aarch64: ([movz, movk]) => halves(bits(movk, 5, 16), bits(movz, 5, 16)),
  alpha: ([ldah, lda]) => (signed(bits(ldah, 0, 16), 16) << 16) + signed(bits(lda, 0, 16), 16),
  arm: (code) => code.reduce((sum, word) => sum | rotateRight(bits(word, 0, 8), 2 * bits(word, 8, 4)), 0),
  cris: ([, low = 0, high = 0]) => halves(high, low),
  hexagon: ([low, high]) =>
    halves(halfOf(bits(high, 22, 2), bits(high, 0, 14)), halfOf(bits(low, 22, 2), bits(low, 0, 14))),
  hppa: ([ldil, ldo]) => (assemble21(bits(ldil, 0, 21)) << 11) + bits(ldo, 1, 13) - (bits(ldo, 0, 1) << 13),
  loongarch: ([lu12i, ori]) => (bits(lu12i, 5, 20) << 12) | bits(ori, 10, 12),
  m68k: ([, high = 0, low = 0]) => halves(high, low),
  microblaze: ([imm, addik]) => halves(bits(imm, 0, 16), bits(addik, 0, 16)),
  mips: ([lui, ori]) => halves(bits(lui, 0, 16), bits(ori, 0, 16)),
  nios2: ([orhi, ori]) => halves(bits(orhi, 6, 16), bits(ori, 6, 16)),
  or1k: ([movhi, ori]) => halves(bits(movhi, 0, 16), bits(ori, 0, 16)),
  ppc: ([lis, ori]) => halves(bits(lis, 0, 16), bits(ori, 0, 16)),
  riscv: ([lui, addi]) => (bits(lui, 12, 20) << 12) + signed(bits(addi, 20, 12), 12),
  s390x: ([, high = 0, low = 0]) => halves(high, low),
  sh4: ([mov, , middle, , low]) =>
    (signed(bits(mov, 0, 8), 8) << 16) | (bits(middle, 0, 8) << 8) | bits(low, 0, 8),
  sparc: ([sethi, or]) => (bits(sethi, 0, 22) << 10) | bits(or, 0, 13),
  x86: (code) => code.slice(-4).reduceRight((sum, byte) => (sum << 8) | bits(byte, 0, 8), 0),
  xtensa: (code) =>
    (bits(code[2], 0, 8) << 16) + (signed(bits(code[8], 0, 8), 8) << 8) + signed(bits(code[11], 0, 8), 8),
};

describe('instruction set', () => {
  it.each([...ISAS.keys()])('%s loads every constant into every register of a call', (name) => {
    const isas = identitiesOf(name).map((identity) => ISAS.get(name)?.(identity) as Isa);
    const edges = [0, 0x7f, 0x80, 0xff, 0x7ff, 0x800, 0x7fff, 0x8000, 0xffff, MAX_CONSTANT];
    const value = fc.oneof(fc.constantFrom(...edges), fc.nat(MAX_CONSTANT));
    fc.assert(
      fc.property(fc.constantFrom(...isas), value, (isa, value) => {
        for (const register of [isa.callRegister, ...isa.argumentRegisters])
          expect(VALUE_OF[name]?.(isa.set(register, value))).toBe(value);
      }),
    );
  });

  it.each([...HOST_ARCHES])('of Node on %s loads every 32-bit constant', (_, { isa: name, identity }) => {
    const isa = ISAS.get(name)?.(identity) as Isa;
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(2 ** 31, 2 ** 32 - 2), fc.nat(2 ** 32 - 1)), (value) => {
        expect((VALUE_OF[name]?.(isa.set(isa.argumentRegisters[0], value)) ?? 0) >>> 0).toBe(value);
      }),
    );
  });

  it.each([...ISAS.keys()])('%s has different registers for number and arguments', (name) => {
    for (const isa of identitiesOf(name).map((identity) => ISAS.get(name)?.(identity) as Isa))
      expect(new Set([isa.callRegister, ...isa.argumentRegisters]).size).toBe(5);
  });
});

const rotateRight = (value: number, count: number) =>
  count === 0 ? value : (value >>> count) | (value << (32 - count));
const halfOf = (upper: number, lower: number) => (upper << 14) | lower;

/** PA-RISC 1.1 manual, assemble_21: bits 20, 9-19, 5-6, 0-4 and 7-8, counted from the left. */
const assemble21 = (x: number) =>
  (bits(x, 0, 1) << 20) |
  (bits(x, 1, 11) << 9) |
  (bits(x, 14, 2) << 7) |
  (bits(x, 16, 5) << 2) |
  bits(x, 12, 2);
