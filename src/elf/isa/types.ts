import type { ByteOrder, ElfIdentity } from '../types.ts';

/** Instructions as units of the instruction set, in the order of execution. Bits above a unit's size are ignored. */
export type Code = readonly number[];

/**
 * Encodes the instructions of a probe or exec helper, which is straight-line code without jumps, stack or symbols. Registers have
 * the numbers of the instruction set.
 */
export interface Isa {
  /** Size of a unit of code, in bytes. */
  readonly unit: 1 | 2 | 4;
  /** Byte order within a unit. */
  readonly byteOrder: ByteOrder;
  /** Registers for the number of a Linux system call and for its first four arguments. */
  readonly callRegister: number;
  readonly argumentRegisters: readonly [number, number, number, number];
  /** Code at the start, if a system call would overwrite what `loadArgv0` needs. */
  readonly prologue?: Code;
  /**
   * Loads a constant, 0 to 2^23 - 1 (MAX_CONSTANT), into a register. Changes no other register except the scratch register. The
   * instruction sets that Node runs on support every 32-bit constant; a 64-bit register may sign-extend it.
   */
  set(register: number, value: number): Code;
  /** Loads the address of argv[0], which is above argc on the initial stack, into a register. */
  loadArgv0(register: number): Code;
  /** The system call itself. */
  readonly call: Code;
  /** Stores the call's result as a 4-byte word at an address that `set` can load. */
  storeResult(address: number): Code;
}

/** An instruction set for a class and byte order. */
export type IsaOf = (identity: ElfIdentity) => Isa;

/** The largest value that every instruction set can load with a few instructions. */
export const MAX_CONSTANT = 2 ** 23 - 1;

/** The upper half of a value, for instruction sets that load a constant in two halves. */
export const high16 = (value: number): number => value >>> 16;
export const low16 = (value: number): number => value & 0xffff;
