/** Encodes the head of a static executable. Its first segment is the start of the file, its second one is writable data. */
import { encodeHeader, headerSize } from './header.ts';
import { encodeProgramHeaders, PT_LOAD, programHeaderSize } from './programs.ts';
import type { ElfClass, ElfIdentity, ProgramHeader } from './types.ts';

/** Below MAX_CONSTANT, and free in every arch's address space. */
const BASE = 0x400000;
/** The largest page of any arch. */
const PAGE = 0x10000;

/**
 * The physical address of PT_GNU_STACK, early in the file: the byte `)`. If the kernel cannot run the program, shells and execvp(3)
 * run it as a script. The `)` is a syntax error, so nothing is executed. A loaded segment cannot contain it: Box64 maps those
 * by their physical addresses (src/elfs/elfloader.c).
 */
const SHELL_STOP = 0x29;

const ET_EXEC = 2;
const PT_GNU_STACK = 0x6474e551;
const PROGRAM_COUNT = 3;

export interface Segments {
  /** Offset of the first instruction. */
  readonly entry: number;
  /** Number of executable bytes at the start of the file; less than a page if data follow. */
  readonly textSize: number;
  readonly data: { readonly offset: number; readonly fileSize: number; readonly memorySize: number };
}

/** Size of the head. */
export const headSize = (elfClass: ElfClass): number =>
  headerSize(elfClass) + PROGRAM_COUNT * programHeaderSize(elfClass);

/** Address of the data at an offset of the file: one page above the text. */
export const dataAddress = (offset: number): number => BASE + PAGE + offset;

/** Encodes the ELF header and the program headers. */
export function encodeHead(
  identity: ElfIdentity,
  flags: number,
  { entry, textSize, data }: Segments,
): Uint8Array {
  const programs = [
    // Without PT_GNU_STACK, some arches make stack and data executable, which a hardened kernel forbids.
    program(PT_GNU_STACK, 0b110, { ...NOWHERE, physical: SHELL_STOP }),
    program(PT_LOAD, 0b101, { offset: 0, address: BASE, fileSize: textSize, memorySize: textSize }),
    program(PT_LOAD, 0b110, { ...data, address: dataAddress(data.offset) }),
  ];
  const header = encodeHeader({
    ...identity,
    osAbi: 0,
    abiVersion: 0,
    type: ET_EXEC,
    version: 1,
    entry: BigInt(BASE + entry),
    programHeaderOffset: BigInt(headerSize(identity.class)),
    sectionHeaderOffset: 0n,
    flags,
    headerSize: headerSize(identity.class),
    programHeaderSize: programHeaderSize(identity.class),
    programHeaderCount: programs.length,
    sectionHeaderSize: 0,
    sectionHeaderCount: 0,
    sectionNamesIndex: 0,
  });
  return concat([header, encodeProgramHeaders(programs, identity)]);
}

interface Extent {
  readonly offset: number;
  readonly address: number;
  /** Default: the address. */
  readonly physical?: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

const NOWHERE: Extent = { offset: 0, address: 0, fileSize: 0, memorySize: 0 };

function program(type: number, flags: number, extent: Extent): ProgramHeader {
  return {
    type,
    flags,
    offset: BigInt(extent.offset),
    virtualAddress: BigInt(extent.address),
    physicalAddress: BigInt(extent.physical ?? extent.address),
    fileSize: BigInt(extent.fileSize),
    memorySize: BigInt(extent.memorySize),
    align: BigInt(PAGE),
  };
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
