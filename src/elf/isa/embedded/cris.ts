/** ETRAX FS Designer's Reference (CRIS v32). $r15 is $acr. */
import { high16, type IsaOf, low16 } from '../types.ts';

const SCRATCH = 3;
const RESULT = 10;

const set = (register: number, value: number) => [
  0x0e6f | (register << 12), // move.d constant, $rN; the constant follows, low half first
  low16(value),
  high16(value),
];

export const cris: IsaOf = () => ({
  unit: 2,
  byteOrder: 'little',
  callRegister: 9,
  argumentRegisters: [10, 11, 12, 13],
  set,
  loadArgv0: (register) => [
    0xe104, // addoq 4, $sp, $acr
    0x0a6f | (register << 12), // move.d [$acr], $rN
  ],
  call: [0xe93d], // break 13
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0x0be0 | (RESULT << 12) | SCRATCH, // move.d $r10, [$r3]
  ],
});
