/** RISC-V Instruction Set Manual, volume I; only RV32I and RV64I. Instructions are always little endian. */
import type { IsaOf } from './types.ts';

const SCRATCH = 5;

/** `addi` adds 12 signed bits, so the upper 20 must compensate for the sign. */
const set = (register: number, value: number) => [
  (((value + 0x800) >> 12) << 12) | (register << 7) | 0x37, // lui xN, high
  ((value & 0xfff) << 20) | (register << 15) | (register << 7) | 0x13, // addi xN, xN, low
];

export const riscv: IsaOf = (identity) => ({
  unit: 4,
  byteOrder: 'little',
  callRegister: 17,
  argumentRegisters: [10, 11, 12, 13],
  set,
  // lw xN, 4(sp) in class 32, ld xN, 8(sp) in class 64
  loadArgv0: (register) => [(identity.class === 64 ? 0x00813003 : 0x00412003) | (register << 7)],
  call: [0x00000073], // ecall
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0x00a02023 | (SCRATCH << 15), // sw a0, 0(x5)
  ],
});
