/** SH-4 Software Manual (Renesas). R15 is the stack pointer. R0 is both the scratch register and the result. */
import type { IsaOf } from '../types.ts';

const ADDRESS = 1;
const RESULT = 2;

const move = (from: number, to: number) => 0x6003 | (to << 8) | (from << 4); // mov Rfrom, Rto

const set = (register: number, value: number) => [
  0xe000 | ((value >> 16) & 0xff), // mov #byte2, R0: signed, so the limit is 2^23 - 1
  0x4018, // shll8 R0
  0xcb00 | ((value >> 8) & 0xff), // or #byte1, R0
  0x4018, // shll8 R0
  0xcb00 | (value & 0xff), // or #byte0, R0
  move(0, register),
];

export const sh4: IsaOf = ({ byteOrder }) => ({
  unit: 2,
  byteOrder,
  callRegister: 3,
  argumentRegisters: [4, 5, 6, 7],
  set,
  loadArgv0: (register) => [0x50f1 | (register << 8)], // mov.l @(4, R15), RN
  // Some processors need five no-ops after the call, as in the C libraries (SYSCALL_INST_PAD).
  call: [0xc31f, ...Array<number>(5).fill(0x200b)], // trapa #31; or R0, R0
  storeResult: (address) => [
    move(0, RESULT),
    ...set(ADDRESS, address),
    0x2002 | (ADDRESS << 8) | (RESULT << 4), // mov.l R2, @R1
  ],
});
