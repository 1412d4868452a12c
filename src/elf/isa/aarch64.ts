/** Arm Architecture Reference Manual for A-profile, A64. Instructions are little endian in either byte order. */
import { high16, type IsaOf, low16 } from './types.ts';

const SCRATCH = 9;

const set = (register: number, value: number) => [
  0xd2800000 | (low16(value) << 5) | register, // movz xN, #low
  0xf2a00000 | (high16(value) << 5) | register, // movk xN, #high, lsl #16
];

export const aarch64: IsaOf = () => ({
  unit: 4,
  byteOrder: 'little',
  callRegister: 8,
  argumentRegisters: [0, 1, 2, 3],
  set,
  loadArgv0: (register) => [0xf94007e0 | register], // ldr xN, [sp, #8]
  call: [0xd4000001], // svc #0
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0xb9000000 | (SCRATCH << 5), // str w0, [x9]
  ],
});
