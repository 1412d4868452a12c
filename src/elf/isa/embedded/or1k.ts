/** OpenRISC 1000 Architecture Manual. r1 is the stack pointer. */
import { high16, type IsaOf, low16 } from '../types.ts';

const SCRATCH = 13;
const RESULT = 11;

const set = (register: number, value: number) => [
  0x18000000 | (register << 21) | high16(value), // l.movhi rN, high
  0xa8000000 | (register << 21) | (register << 16) | low16(value), // l.ori rN, rN, low
];

export const or1k: IsaOf = () => ({
  unit: 4,
  byteOrder: 'big',
  callRegister: 11,
  argumentRegisters: [3, 4, 5, 6],
  set,
  loadArgv0: (register) => [0x84010004 | (register << 21)], // l.lwz rN, 4(r1)
  call: [
    0x20000001, // l.sys 1: no delay slot
    0x15000000, // l.nop, as in the C libraries
  ],
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0xd4000000 | (SCRATCH << 16) | (RESULT << 11), // l.sw 0(r13), r11
  ],
});
