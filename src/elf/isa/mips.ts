/** MIPS Architecture for Programmers, volume II; only instructions that MIPS I (class 64: MIPS III) and release 6 share. */
import { high16, type IsaOf, low16 } from './types.ts';

const SCRATCH = 8;

const set = (register: number, value: number) => [
  0x3c000000 | (register << 16) | high16(value), // lui $N, high
  0x34000000 | (register << 21) | (register << 16) | low16(value), // ori $N, $N, low
];

export const mips: IsaOf = (identity) => ({
  unit: 4,
  byteOrder: identity.byteOrder,
  callRegister: 2,
  argumentRegisters: [4, 5, 6, 7],
  set,
  // lw $N, 4($sp) in o32 and n32, ld $N, 8($sp) in n64
  loadArgv0: (register) => [(identity.class === 64 ? 0xdfa00008 : 0x8fa00004) | (register << 16)],
  call: [0x0000000c], // syscall: no delay slot
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0xac020000 | (SCRATCH << 21), // sw $2, 0($8)
  ],
});
