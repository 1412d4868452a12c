/** Builds ELF files with the project's own encoders, for tests of the decoder. */

import type { ReadBytes } from '../../../../src/elf/details/types.ts';
import { fieldWriter } from '../../../../src/elf/fields.ts';
import { encodeHeader, headerSize } from '../../../../src/elf/header.ts';
import { encodeProgramHeaders, programHeaderSize } from '../../../../src/elf/programs.ts';
import type { ElfHeader, ProgramHeader } from '../../../../src/elf/types.ts';

export const HEADER: ElfHeader = {
  class: 64,
  byteOrder: 'little',
  machine: 62,
  osAbi: 0,
  abiVersion: 0,
  type: 3,
  version: 1,
  entry: 0x1000n,
  programHeaderOffset: 64n,
  sectionHeaderOffset: 0n,
  flags: 0,
  headerSize: 64,
  programHeaderSize: 56,
  programHeaderCount: 0,
  sectionHeaderSize: 0,
  sectionHeaderCount: 0,
  sectionNamesIndex: 0,
};

/** A segment with its bytes. Its address is its offset in the file. */
export interface Segment {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly align?: bigint;
}

/** Encodes a file with these segments after one PT_LOAD that contains the whole file. Returns the offset of each segment. */
export function buildElf(
  fields: Partial<ElfHeader>,
  segments: (offsets: readonly number[]) => readonly Segment[],
) {
  const elfClass = fields.class ?? 64;
  const count = segments([]).length + 1;
  const start = headerSize(elfClass) + count * programHeaderSize(elfClass);
  const offsets = offsetsOf(segments([]), start);
  const placed = segments(offsets);
  const size = start + placed.reduce((sum, { bytes }) => sum + roundUp(bytes.length), 0);
  const header: ElfHeader = {
    ...HEADER,
    programHeaderOffset: BigInt(headerSize(elfClass)),
    headerSize: headerSize(elfClass),
    programHeaderSize: programHeaderSize(elfClass),
    programHeaderCount: count,
    ...fields,
  };
  const programs = [
    program(1, 0, size),
    ...placed.map(({ type, bytes, align }, index) => program(type, offsets[index] ?? 0, bytes.length, align)),
  ];
  const file = new Uint8Array(size);
  file.set(encodeHeader(header));
  file.set(encodeProgramHeaders(programs, header), headerSize(elfClass));
  for (const [index, { bytes }] of placed.entries()) file.set(bytes, offsets[index]);
  return file;
}

export const reader =
  (file: Uint8Array): ReadBytes =>
  (offset, length) =>
    file.subarray(offset, offset + length);

/** Encodes words of 32 bits. */
export function words(values: readonly number[], byteOrder: 'little' | 'big' = 'little'): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const fields = fieldWriter(bytes, 0, { class: 32, byteOrder });
  for (const value of values) fields.word(value);
  return bytes;
}

/** Encodes entries of a dynamic section in class 64. */
export function dynamic(entries: readonly (readonly [tag: number, value: number])[]): Uint8Array {
  const bytes = new Uint8Array((entries.length + 1) * 16);
  const fields = fieldWriter(bytes, 0, { class: 64, byteOrder: 'little' });
  for (const [tag, value] of entries) {
    fields.address(BigInt(tag));
    fields.address(BigInt(value));
  }
  return bytes;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function offsetsOf(segments: readonly Segment[], start: number): readonly number[] {
  let at = start;
  return segments.map(({ bytes }) => {
    const offset = at;
    at += roundUp(bytes.length);
    return offset;
  });
}

const roundUp = (value: number): number => Math.ceil(value / 8) * 8;

const program = (type: number, offset: number, size: number, align = 8n): ProgramHeader => ({
  type,
  flags: 4,
  offset: BigInt(offset),
  virtualAddress: BigInt(offset),
  physicalAddress: BigInt(offset),
  fileSize: BigInt(size),
  memorySize: BigInt(size),
  align,
});
