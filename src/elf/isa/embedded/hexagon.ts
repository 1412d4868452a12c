/** Qualcomm Hexagon V60/V61 Programmer's Reference Manual. Each packet contains one instruction. */
import { high16, type IsaOf, low16 } from '../types.ts';

const END_OF_PACKET = 0xc000;
const SCRATCH = 7;

const set = (register: number, value: number) => [
  0x71200000 | half(register, low16(value)), // rN.l = #low
  0x72200000 | half(register, high16(value)), // rN.h = #high
];

export const hexagon: IsaOf = () => ({
  unit: 4,
  byteOrder: 'little',
  callRegister: 6,
  argumentRegisters: [0, 1, 2, 3],
  set,
  loadArgv0: (register) => [0x919d0020 | END_OF_PACKET | register], // rN = memw(r29 + #4)
  call: [0x54000004 | END_OF_PACKET], // trap0(#1)
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0xa1800000 | (SCRATCH << 16) | END_OF_PACKET, // memw(r7 + #0) = r0
  ],
});

/** Encodes 16 bits: two in bits 22 and 23, the others in bits 0 to 13, below the bits that end the packet. */
function half(register: number, value: number): number {
  return ((value >> 14) << 22) | (register << 16) | END_OF_PACKET | (value & 0x3fff);
}
