/** z/Architecture Principles of Operation. %r15 is the stack pointer. */
import { high16, type IsaOf, low16 } from './types.ts';

const SCRATCH = 7;

const set = (register: number, value: number) => [
  0xc00f | (register << 4), // llilf %rN, value
  high16(value),
  low16(value),
];

export const s390x: IsaOf = () => ({
  unit: 2,
  byteOrder: 'big',
  callRegister: 1,
  argumentRegisters: [2, 3, 4, 5],
  set,
  loadArgv0: (register) => [0xe300 | (register << 4), 0xf008, 0x0004], // lg %rN, 8(%r15)
  call: [0x0a00], // svc 0: the number is in %r1
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0x5020, // st %r2, 0(%r7)
    SCRATCH << 12,
  ],
});
