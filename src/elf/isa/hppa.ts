/**
 * PA-RISC 1.1 Architecture and Instruction Set Reference Manual. At program start, %r24 points to argv
 * (arch/parisc/include/asm/processor.h start_thread()). The stack grows upwards, away from it.
 */
import type { IsaOf } from './types.ts';

const SCRATCH = 19;
const RESULT = 28;
/** A register that system calls preserve. */
const ARGV0 = 3;

const set = (register: number, value: number) => [
  0x20000000 | (register << 21) | left21(value >> 11), // ldil L%value, %rN
  ldo(value & 0x7ff, register, register), // ldo R%value(%rN), %rN
];

export const hppa: IsaOf = () => ({
  unit: 4,
  byteOrder: 'big',
  callRegister: 20,
  argumentRegisters: [26, 25, 24, 23],
  prologue: [0x48000000 | (24 << 21) | (ARGV0 << 16)], // ldw 0(%r24), %r3
  set,
  loadArgv0: (register) => [ldo(0, ARGV0, register)],
  call: [
    0xe4008200, // ble 0x100(%sr2, %r0): the gateway page
    0x08000240, // nop, in the delay slot
  ],
  storeResult: (address) => [
    ...set(SCRATCH, address),
    0x68000000 | (SCRATCH << 21) | (RESULT << 16), // stw %r28, 0(%r19)
  ],
});

/** `ldo displacement(%base), %target`. The displacement, which is not negative here, is above its sign bit. */
function ldo(displacement: number, base: number, target: number): number {
  return 0x34000000 | (base << 21) | (target << 16) | (displacement << 1);
}

/** The 21-bit immediate of `ldil`, permuted as assemble_21 in the manual expects. */
function left21(value: number): number {
  return (
    ((value & 0x100000) >> 20) |
    ((value & 0x0ffe00) >> 8) |
    ((value & 0x000180) << 7) |
    ((value & 0x00007c) << 14) |
    ((value & 0x000003) << 12)
  );
}
