/**
 * Xtensa Instruction Set Architecture Reference Manual; only 24-bit core instructions, without register windows. Big endian
 * reverses the order of the 4-bit fields.
 */
import type { IsaOf } from '../types.ts';

const SP = 1;
const SCRATCH = 7;
const RESULT = 2;

export const xtensa: IsaOf = ({ byteOrder }) => {
  /** The formats RRI8, and RRR with two equal fields in `last`. */
  const instruction = (last: number, [r, s, t]: readonly [r: number, s: number, t: number], op0: number) =>
    byteOrder === 'little'
      ? [(t << 4) | op0, (r << 4) | s, last & 0xff]
      : [(op0 << 4) | t, (s << 4) | r, last & 0xff];

  /** `addmi` and `addi` add signed bytes, so the upper bytes must compensate for the sign. */
  const set = (register: number, value: number) => {
    const upper = (value + 0x80) >> 8;
    return [
      ...instruction((upper + 0x80) >> 8, [0xa, 0, register], 2), // movi aN, byte2
      ...instruction(0x11, [register, register, 0], 0), // slli aN, aN, 16
      ...instruction(upper, [0xd, register, register], 2), // addmi aN, aN, byte1 << 8
      ...instruction(value, [0xc, register, register], 2), // addi aN, aN, byte0
    ];
  };

  return {
    unit: 1,
    byteOrder,
    callRegister: 2,
    argumentRegisters: [6, 3, 4, 5],
    set,
    loadArgv0: (register) => instruction(1, [2, SP, register], 2), // l32i aN, a1, 4
    call: instruction(0, [5, 0, 0], 0), // syscall
    storeResult: (address) => [
      ...set(SCRATCH, address),
      ...instruction(0, [6, SCRATCH, RESULT], 2), // s32i a2, a7, 0
    ],
  };
};
