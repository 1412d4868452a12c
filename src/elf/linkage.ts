/** Reads the program interpreter of an ELF file, as the kernel does. */
import { BinfmtctlError } from '../errors.ts';
import { decodeHeader } from './header.ts';
import { decodeProgramHeaders, PT_INTERP, programHeaderSize } from './programs.ts';
import type { ElfHeader } from './types.ts';

/** Reads `length` bytes of a file at `offset`; fewer only at its end. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>;

export interface Linkage {
  readonly header: ElfHeader;
  /** Path in PT_INTERP; null if there is none. */
  readonly interpreter: string | null;
  /** Whether it has no program interpreter. A static-pie has PT_DYNAMIC but no interpreter, so it is static. So is a shared
   * library: only running the two tells them apart. */
  readonly static: boolean;
}

/** Contains header, program headers and interpreter of nearly every program, so that one read is enough. */
const HEAD_SIZE = 4096;
/** fs/binfmt_elf.c load_elf_phdrs(): the kernel rejects a longer table. */
const MAX_TABLE_SIZE = 65536;
/** fs/binfmt_elf.c load_elf_binary(): PT_INTERP has 2 to PATH_MAX bytes and ends with NUL. */
const MAX_INTERPRETER_SIZE = 4096;

/**
 * Reads header and program interpreter in at most three reads, of 4 KiB, 64 KiB and 4 KiB, even from a hostile file.
 *
 * @throws NOT_ELF and BAD_ELF as decodeHeader; BAD_ELF if program headers or interpreter are outside the file or invalid for the
 * kernel.
 */
export async function readLinkage(read: ReadAt): Promise<Linkage> {
  const head = await read(0, HEAD_SIZE);
  const header = decodeHeader(head);
  const table = await readRange(read, head, tableRange(header));
  const program = decodeProgramHeaders(table, header).find(({ type }) => type === PT_INTERP);
  if (program === undefined) return { header, interpreter: null, static: true };
  if (program.fileSize < 2n || program.fileSize > MAX_INTERPRETER_SIZE) {
    throw new BinfmtctlError('BAD_ELF', `invalid program interpreter of ${program.fileSize} bytes`);
  }
  const path = await readRange(read, head, { offset: program.offset, length: Number(program.fileSize) });
  return { header, interpreter: decodePath(path), static: false };
}

interface Range {
  readonly offset: bigint;
  readonly length: number;
}

/** A file without program headers, such as a relocatable one, has an empty table. */
function tableRange(header: ElfHeader): Range {
  const { programHeaderCount: count, programHeaderSize: size, programHeaderOffset: offset } = header;
  if (count === 0) return { offset: 0n, length: 0 };
  if (size !== programHeaderSize(header.class) || count * size > MAX_TABLE_SIZE) {
    throw new BinfmtctlError('BAD_ELF', `invalid table of ${count} program headers of ${size} bytes`);
  }
  return { offset, length: count * size };
}

async function readRange(read: ReadAt, head: Uint8Array, { offset, length }: Range): Promise<Uint8Array> {
  const end = offset + BigInt(length);
  if (end <= head.length) return head.subarray(Number(offset), Number(end));
  const bytes = end <= Number.MAX_SAFE_INTEGER ? await read(Number(offset), length) : head.subarray(0, 0);
  if (bytes.length >= length) return bytes.subarray(0, length);
  throw new BinfmtctlError('BAD_ELF', `truncated file: bytes ${offset} to ${end - 1n} are missing`);
}

function decodePath(bytes: Uint8Array): string {
  if (bytes.at(-1) !== 0) throw new BinfmtctlError('BAD_ELF', 'program interpreter does not end in NUL');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(0, bytes.indexOf(0)),
    );
  } catch (cause) {
    throw new BinfmtctlError('BAD_ELF', 'program interpreter is not valid UTF-8', { cause });
  }
}
