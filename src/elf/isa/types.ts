import type { ByteOrder, ElfIdentity } from '../types.ts';

/** Instructions as units of the instruction set, in the order of execution; bits above a unit's size do not count. */
export type Code = readonly number[];

/**
 * What an instruction set has to offer for a probe or exec helper, which is straight-line code: no jump, no stack, no symbol.
 * Registers are numbered as the instruction set does.
 */
export interface Isa {
  /** Bytes of a unit of code. */
  readonly unit: 1 | 2 | 4;
  /** Order of the bytes within a unit. */
  readonly byteOrder: ByteOrder;
  /** Registers of the number of a Linux system call and of its first four arguments. */
  readonly callRegister: number;
  readonly argumentRegisters: readonly [number, number, number, number];
  /** Comes first, where what `loadArgv0` needs would not survive a system call. */
  readonly prologue?: Code;
  /**
   * Puts a constant, 0 to 2^23 - 1 (MAX_CONSTANT), into a register and changes no other but the scratch register. The
   * instruction sets that Node runs on build every 32-bit constant; a 64-bit register may extend it by its sign.
   */
  set(register: number, value: number): Code;
  /** Puts the address of argv[0], which lies above argc on the initial stack, into a register. */
  loadArgv0(register: number): Code;
  /** The system call itself. */
  readonly call: Code;
  /** Stores the call's result as a word of 4 bytes at an address that `set` can build. */
  storeResult(address: number): Code;
}

/** An instruction set for a class and byte order. */
export type IsaOf = (identity: ElfIdentity) => Isa;

/** The largest value that every instruction set here builds with a few instructions. */
export const MAX_CONSTANT = 2 ** 23 - 1;

/** The bits of a value above its lowest 16, for instruction sets that build a constant from two halves. */
export const high16 = (value: number): number => value >>> 16;
export const low16 = (value: number): number => value & 0xffff;
