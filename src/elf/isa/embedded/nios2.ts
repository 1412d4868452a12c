/** Nios II Processor Reference Guide. r0 reads as zero, r27 is the stack pointer. */
import { high16, type IsaOf, low16 } from '../types.ts';

const SCRATCH = 8;

const set = (register: number, value: number) => [
  immediate(0x34, 0, register, high16(value)), // orhi rN, r0, high
  immediate(0x14, register, register, low16(value)), // ori rN, rN, low
];

export const nios2: IsaOf = () => ({
  unit: 4,
  byteOrder: 'little',
  callRegister: 2,
  argumentRegisters: [4, 5, 6, 7],
  set,
  loadArgv0: (register) => [immediate(0x17, 27, register, 4)], // ldw rN, 4(sp)
  call: [0x003b683a], // trap 0
  storeResult: (address) => [
    ...set(SCRATCH, address),
    immediate(0x15, SCRATCH, 2, 0), // stw r2, 0(r8)
  ],
});

/** The I-type format. */
function immediate(opcode: number, a: number, b: number, value: number): number {
  return (a << 27) | (b << 22) | (value << 6) | opcode;
}
