/**
 * SPARC Architecture Manual, versions 8 and 9. %g0 reads as zero; 1 is %g1, 8 to 13 are %o0 to %o5, 14 is %sp.
 * argc is above the 16 registers of the window's save area. In class 64, %sp has a bias of 2047 bytes.
 */
import type { IsaOf } from './types.ts';

const SP = 14;
const SCRATCH = 2;
const RESULT = 8;

const set = (register: number, value: number) => [
  0x01000000 | (register << 25) | (value >> 10), // sethi %hi(value), %rN
  format3([2, 0x02], register, register, value & 0x3ff), // or %rN, %lo(value), %rN
];

export const sparc: IsaOf = (identity) => ({
  unit: 4,
  byteOrder: 'big',
  callRegister: 1,
  argumentRegisters: [8, 9, 10, 11],
  set,
  loadArgv0: (register) => [
    identity.class === 64
      ? format3([3, 0x0b], register, SP, 2047 + 16 * 8 + 8) // ldx [%sp + 2183], %rN
      : format3([3, 0x00], register, SP, 16 * 4 + 4), // ld [%sp + 68], %rN
  ],
  call: [identity.class === 64 ? 0x91d0206d : 0x91d02010], // ta 0x6d, ta 0x10
  storeResult: (address) => [
    ...set(SCRATCH, address),
    format3([3, 0x04], RESULT, SCRATCH, 0), // st %o0, [%g2]
  ],
});

/** Format 3 with a 13-bit immediate. */
function format3(
  [op, op3]: readonly [op: number, op3: number],
  rd: number,
  rs1: number,
  immediate: number,
): number {
  return (op << 30) | (rd << 25) | (op3 << 19) | (rs1 << 14) | (1 << 13) | immediate;
}
