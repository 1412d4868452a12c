/**
 * Power ISA, book I. Class 64 uses ELFv2 (`e_flags` 2) in both byte orders: its entry point is code, whereas that of ELFv1 is a
 * function descriptor (arch/powerpc/kernel/process.c start_thread()).
 */
import { high16, type IsaOf, low16 } from './types.ts';

const SCRATCH = 9;

const set = (register: number, value: number) => [
  0x3c000000 | (register << 21) | high16(value), // lis rN, high
  0x60000000 | (register << 21) | (register << 16) | low16(value), // ori rN, rN, low
];

export const ppc: IsaOf = (identity) => ({
  unit: 4,
  byteOrder: identity.byteOrder,
  callRegister: 0,
  argumentRegisters: [3, 4, 5, 6],
  set,
  // lwz rN, 4(r1) in class 32, ld rN, 8(r1) in class 64
  loadArgv0: (register) => [(identity.class === 64 ? 0xe8010008 : 0x80010004) | (register << 21)],
  call: [0x44000002], // sc
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0x90600000 | (SCRATCH << 16), // stw r3, 0(r9)
  ],
});
