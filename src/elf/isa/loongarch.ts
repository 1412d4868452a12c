/** LoongArch Reference Manual, volume 1. $r3 is the stack pointer, $r4 to $r11 are $a0 to $a7. */
import type { IsaOf } from './types.ts';

const SCRATCH = 12;

const set = (register: number, value: number) => [
  0x14000000 | ((value >> 12) << 5) | register, // lu12i.w $rN, high
  0x03800000 | ((value & 0xfff) << 10) | (register << 5) | register, // ori $rN, $rN, low
];

export const loongarch: IsaOf = () => ({
  unit: 4,
  byteOrder: 'little',
  callRegister: 11,
  argumentRegisters: [4, 5, 6, 7],
  set,
  loadArgv0: (register) => [0x28c00000 | (8 << 10) | (3 << 5) | register], // ld.d $rN, $sp, 8
  call: [0x002b0000], // syscall 0
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0x29800000 | (SCRATCH << 5) | 4, // st.w $a0, $r12, 0
  ],
});
