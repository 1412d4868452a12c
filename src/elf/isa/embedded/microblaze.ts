/** MicroBlaze Processor Reference Guide (UG984). r0 reads as zero, r1 is the stack pointer. */
import { high16, type IsaOf, low16 } from '../types.ts';

const SCRATCH = 11;

const set = (register: number, value: number) => [
  0xb0000000 | high16(value), // imm high: the upper half of the next instruction's immediate
  0x30000000 | (register << 21) | low16(value), // addik rN, r0, low
];

export const microblaze: IsaOf = ({ byteOrder }) => ({
  unit: 4,
  byteOrder,
  callRegister: 12,
  argumentRegisters: [5, 6, 7, 8],
  set,
  loadArgv0: (register) => [0xe8010004 | (register << 21)], // lwi rN, r1, 4
  call: [0xb9cc0008], // brki r14, 8: no delay slot
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0xf8600000 | (SCRATCH << 16), // swi r3, r11, 0
  ],
});
