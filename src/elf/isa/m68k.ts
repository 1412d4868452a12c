/** M68000 Family Programmer's Reference Manual; only instructions that ColdFire has as well. */
import { high16, type IsaOf, low16 } from './types.ts';

export const m68k: IsaOf = () => ({
  unit: 2,
  byteOrder: 'big',
  callRegister: 0,
  argumentRegisters: [1, 2, 3, 4],
  set: (register, value) => [0x203c | (register << 9), high16(value), low16(value)], // move.l #value, %dN
  loadArgv0: (register) => [0x202f | (register << 9), 4], // move.l 4(%sp), %dN
  call: [0x4e40], // trap #0
  storeResult: (address) => [0x23c0, high16(address), low16(address)], // move.l %d0, address
});
