/** Bounded reads of the parts of an ELF file. Pure. */
import { BinfmtctlError, isBinfmtctlError } from '../../errors.ts';
import { decodeText } from '../../rule/text.ts';
import { PT_LOAD } from '../programs.ts';
import type { ProgramHeader } from '../types.ts';
import type { ReadBytes } from './types.ts';

/** Reads exactly `length` bytes. @throws BAD_ELF if the file ends before them. */
export function readExactly(read: ReadBytes, offset: bigint, length: number): Uint8Array {
  const isAddressable = offset + BigInt(length) <= Number.MAX_SAFE_INTEGER;
  const bytes = isAddressable ? read(Number(offset), length) : new Uint8Array();
  if (bytes.length >= length) return bytes.subarray(0, length);
  throw new BinfmtctlError(
    'BAD_ELF',
    `truncated file: bytes ${offset} to ${offset + BigInt(length) - 1n} are missing`,
  );
}

/** Reads the text at `offset` up to its NUL. @throws BAD_ELF if it has more than `limit` bytes or no end. */
export function readString(read: ReadBytes, offset: bigint, limit: number): string {
  const bytes = offset <= Number.MAX_SAFE_INTEGER ? read(Number(offset), limit + 1) : new Uint8Array();
  const end = bytes.indexOf(0);
  if (end === -1)
    throw new BinfmtctlError('BAD_ELF', `text at byte ${offset} has no end within ${limit} bytes`);
  return decodeText(bytes.subarray(0, end));
}

/** The place in the file of a virtual address. @throws BAD_ELF if no loadable segment contains it. */
export function fileOffset(programs: readonly ProgramHeader[], address: bigint): bigint {
  const segment = programs.find(
    ({ type, virtualAddress, fileSize }) =>
      type === PT_LOAD && address >= virtualAddress && address < virtualAddress + fileSize,
  );
  if (segment !== undefined) return segment.offset + (address - segment.virtualAddress);
  throw new BinfmtctlError('BAD_ELF', `address 0x${address.toString(16)} is in no segment of the file`);
}

/** Decodes a part of the file. If it is damaged, returns the fallback and adds the reason to `problems`. */
export function tryDecode<T>(fallback: T, decode: () => T, problems: string[]): T {
  try {
    return decode();
  } catch (error) {
    if (!isBinfmtctlError(error)) throw error;
    problems.push(error.message);
    return fallback;
  }
}
