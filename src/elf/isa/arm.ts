/**
 * Arm Architecture Reference Manual, A32; only ARMv4 instructions. Big endian means BE8 (EF_ARM_BE8): data are big endian,
 * instructions little endian (ELF for the Arm Architecture, "e_flags").
 */
import type { IsaOf } from './types.ts';

const SCRATCH = 8;

/** Sets one byte per instruction: an immediate has 8 bits, rotated right by twice the number in bits 8 to 11. */
const set = (register: number, value: number) => [
  0xe3a00000 | (register << 12) | (value & 0xff), // mov rN, #byte0
  0xe3800c00 | (register << 16) | (register << 12) | ((value >> 8) & 0xff), // orr rN, rN, #byte1 << 8
  0xe3800800 | (register << 16) | (register << 12) | ((value >> 16) & 0xff), // orr rN, rN, #byte2 << 16
  ...(value < 2 ** 24 ? [] : [0xe3800400 | (register << 16) | (register << 12) | (value >>> 24)]), // … #byte3 << 24
];

export const arm: IsaOf = () => ({
  unit: 4,
  byteOrder: 'little',
  callRegister: 7,
  argumentRegisters: [0, 1, 2, 3],
  set,
  loadArgv0: (register) => [0xe59d0004 | (register << 12)], // ldr rN, [sp, #4]
  call: [0xef000000], // svc #0
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0xe5800000 | (SCRATCH << 16), // str r0, [r8]
  ],
});
