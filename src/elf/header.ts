/** Decodes and encodes the ELF header (System V ABI, chapter 4; include/uapi/linux/elf.h). */
import { BinfmtctlError } from '../errors.ts';
import { fieldReader, fieldWriter, requireFit } from './fields.ts';
import type { ByteOrder, ElfClass, ElfHeader } from './types.ts';

/** Bytes of `e_ident`. */
const IDENT_SIZE = 16;
const EV_CURRENT = 1;

/** Bytes of the header: 52 in class 32, 64 in class 64. */
export const headerSize = (elfClass: ElfClass): number => (elfClass === 32 ? 52 : 64);

/** Whether `bytes` begin with `\x7fELF`. */
export const isElf = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/**
 * Decodes the header at the start of `bytes`. The first 64 bytes are enough. Does not validate field values.
 *
 * @throws NOT_ELF without the ELF magic; BAD_ELF for an unknown class or byte order, or a truncated header.
 */
export function decodeHeader(bytes: Uint8Array): ElfHeader {
  if (!isElf(bytes)) throw new BinfmtctlError('NOT_ELF', 'does not begin with the ELF magic');
  const elfClass = decodeClass(bytes[4]);
  const byteOrder = decodeByteOrder(bytes[5]);
  const size = headerSize(elfClass);
  if (bytes.length < size) {
    throw new BinfmtctlError('BAD_ELF', `truncated ELF header: ${bytes.length} of ${size} bytes`);
  }
  const fields = fieldReader(bytes, IDENT_SIZE, { class: elfClass, byteOrder });
  // JavaScript evaluates properties in this order, which is the order of the fields.
  return {
    class: elfClass,
    byteOrder,
    osAbi: bytes[7] ?? 0,
    abiVersion: bytes[8] ?? 0,
    type: fields.half(),
    machine: fields.half(),
    version: fields.word(),
    entry: fields.address(),
    programHeaderOffset: fields.address(),
    sectionHeaderOffset: fields.address(),
    flags: fields.word(),
    headerSize: fields.half(),
    programHeaderSize: fields.half(),
    programHeaderCount: fields.half(),
    sectionHeaderSize: fields.half(),
    sectionHeaderCount: fields.half(),
    sectionNamesIndex: fields.half(),
  };
}

/** Encodes a header: 52 or 64 bytes, EI_VERSION 1, zero padding. @throws BAD_ELF for a value that does not fit in its field. */
export function encodeHeader(header: ElfHeader): Uint8Array {
  const bytes = new Uint8Array(headerSize(header.class));
  requireFit(header.osAbi, 1);
  requireFit(header.abiVersion, 1);
  const elfClass = header.class === 32 ? 1 : 2;
  const byteOrder = header.byteOrder === 'little' ? 1 : 2;
  bytes.set([0x7f, 0x45, 0x4c, 0x46, elfClass, byteOrder, EV_CURRENT, header.osAbi, header.abiVersion]);
  const fields = fieldWriter(bytes, IDENT_SIZE, header);
  fields.half(header.type);
  fields.half(header.machine);
  fields.word(header.version);
  fields.address(header.entry);
  fields.address(header.programHeaderOffset);
  fields.address(header.sectionHeaderOffset);
  fields.word(header.flags);
  fields.half(header.headerSize);
  fields.half(header.programHeaderSize);
  fields.half(header.programHeaderCount);
  fields.half(header.sectionHeaderSize);
  fields.half(header.sectionHeaderCount);
  fields.half(header.sectionNamesIndex);
  return bytes;
}

function decodeClass(byte: number | undefined): ElfClass {
  if (byte === 1) return 32;
  if (byte === 2) return 64;
  throw new BinfmtctlError('BAD_ELF', `unknown ELF class ${byte ?? '(missing)'}`);
}

function decodeByteOrder(byte: number | undefined): ByteOrder {
  if (byte === 1) return 'little';
  if (byte === 2) return 'big';
  throw new BinfmtctlError('BAD_ELF', `unknown ELF byte order ${byte ?? '(missing)'}`);
}
