/** Decodes and encodes program headers (System V ABI, chapter 5). `flags` is the second field in class 64, the seventh in 32. */
import { BinfmtctlError } from '../errors.ts';
import { fieldReader, fieldWriter, type Layout } from './fields.ts';
import type { ElfClass, ProgramHeader } from './types.ts';

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;

/** Size of a program header: 32 bytes in class 32, 56 in class 64. */
export const programHeaderSize = (elfClass: ElfClass): number => (elfClass === 32 ? 32 : 56);

/** Decodes a table of program headers without gaps. @throws BAD_ELF if the table is truncated. */
export function decodeProgramHeaders(bytes: Uint8Array, layout: Layout): ProgramHeader[] {
  const size = programHeaderSize(layout.class);
  if (bytes.length % size !== 0) {
    throw new BinfmtctlError('BAD_ELF', `truncated table of program headers: ${bytes.length} bytes`);
  }
  const count = bytes.length / size;
  return Array.from({ length: count }, (_, index) => decodeOne(bytes, index * size, layout));
}

/** Encodes a table of program headers. @throws BAD_ELF for a value that does not fit in its field. */
export function encodeProgramHeaders(programs: readonly ProgramHeader[], layout: Layout): Uint8Array {
  const size = programHeaderSize(layout.class);
  const bytes = new Uint8Array(programs.length * size);
  for (const [index, program] of programs.entries()) encodeOne(bytes, index * size, program, layout);
  return bytes;
}

function decodeOne(bytes: Uint8Array, offset: number, layout: Layout): ProgramHeader {
  const fields = fieldReader(bytes, offset, layout);
  const type = fields.word();
  const early = layout.class === 64 ? fields.word() : null;
  const addresses = {
    offset: fields.address(),
    virtualAddress: fields.address(),
    physicalAddress: fields.address(),
    fileSize: fields.address(),
    memorySize: fields.address(),
  };
  return { type, ...addresses, flags: early ?? fields.word(), align: fields.address() };
}

function encodeOne(bytes: Uint8Array, offset: number, program: ProgramHeader, layout: Layout): void {
  const fields = fieldWriter(bytes, offset, layout);
  fields.word(program.type);
  if (layout.class === 64) fields.word(program.flags);
  fields.address(program.offset);
  fields.address(program.virtualAddress);
  fields.address(program.physicalAddress);
  fields.address(program.fileSize);
  fields.address(program.memorySize);
  if (layout.class === 32) fields.word(program.flags);
  fields.address(program.align);
}
