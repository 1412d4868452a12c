/** Alpha Architecture Reference Manual. $31 reads as zero. */
import type { IsaOf } from './types.ts';

const ZERO = 31;
const SCRATCH = 1;

/** `lda` adds a signed half, so the high half must compensate for the sign. */
const set = (register: number, value: number) => [
  memory(0x09, register, ZERO, (value + 0x8000) >> 16), // ldah rN, high($31)
  memory(0x08, register, register, value), // lda rN, low(rN)
];

export const alpha: IsaOf = () => ({
  unit: 4,
  byteOrder: 'little',
  callRegister: 0,
  argumentRegisters: [16, 17, 18, 19],
  set,
  loadArgv0: (register) => [memory(0x29, register, 30, 8)], // ldq rN, 8($sp)
  call: [0x00000083], // call_pal callsys
  storeResult: (address) => [
    ...set(SCRATCH, address),
    memory(0x2c, 0, SCRATCH, 0), // stl $0, 0($1)
  ],
});

/** The memory format: opcode, ra, rb, 16 bits of displacement. */
function memory(opcode: number, ra: number, rb: number, displacement: number): number {
  return (opcode << 26) | (ra << 21) | (rb << 16) | (displacement & 0xffff);
}
