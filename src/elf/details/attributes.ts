/** Reads the instruction set of RISC-V programs from their attributes (RISC-V ELF psABI, "Attributes"). Pure. */
import { BinfmtctlError } from '../../errors.ts';
import { decodeText } from '../../rule/text.ts';
import { fieldReader } from '../fields.ts';
import type { ElfHeader } from '../types.ts';
import { readExactly } from './read.ts';
import type { Headers, ReadBytes } from './types.ts';

const EM_RISCV = 243;
const PT_RISCV_ATTRIBUTES = 0x70000003;
const MAX_SIZE = 65536;
const FORMAT_VERSION = 0x41;
const TAG_FILE = 1;
const TAG_ARCH = 5;

/** The instruction set as one name, such as `rv64gc`; empty without the attribute. @throws BAD_ELF if it is outside the file. */
export function attributeNames(read: ReadBytes, { header, programs }: Headers): readonly string[] {
  if (header.machine !== EM_RISCV) return [];
  const segment = programs.find(({ type }) => type === PT_RISCV_ATTRIBUTES);
  if (segment === undefined || segment.fileSize === 0n) return [];
  if (segment.fileSize > MAX_SIZE) {
    throw new BinfmtctlError('BAD_ELF', `attributes of ${segment.fileSize} bytes`);
  }
  const name = archOf(readExactly(read, segment.offset, Number(segment.fileSize)), header);
  return name === null ? [] : [name];
}

/**
 * The format is that of "Addenda to the ABI for the Arm Architecture": `A`, then sections of length, vendor and
 * subsections of tag, length and attributes. Odd tags have a text, even ones a number.
 */
function archOf(bytes: Uint8Array, header: ElfHeader): string | null {
  if (bytes[0] !== FORMAT_VERSION || bytes.length < 5) return null;
  const vendorEnd = bytes.indexOf(0, 5);
  if (vendorEnd === -1 || vendorEnd + 6 > bytes.length || bytes[vendorEnd + 1] !== TAG_FILE) return null;
  const end = Math.min(bytes.length, vendorEnd + 1 + fieldReader(bytes, vendorEnd + 2, header).word());
  for (let at = vendorEnd + 6; at < end; ) {
    const tag = numberAt(bytes, at);
    if (tag.value % 2 === 0) {
      at = numberAt(bytes, tag.end).end;
      continue;
    }
    const textEnd = bytes.indexOf(0, tag.end);
    if (textEnd === -1) return null;
    if (tag.value === TAG_ARCH) return shortName(decodeText(bytes.subarray(tag.end, textEnd)));
    at = textEnd + 1;
  }
  return null;
}

/** ULEB128; beyond the end, zero. */
function numberAt(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = start, scale = 1; ; at++, scale *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: at + 1 };
  }
}

/** `rv64i2p1_m2p0_a2p1_zicsr2p0` → `rv64ima_zicsr`: versions are left out. */
function shortName(name: string): string {
  const parts = name.split('_').map((part) => part.replace(/\d+p\d+$/, ''));
  const [base = '', ...extensions] = parts;
  const letters = extensions.filter((part) => part.length === 1);
  const words = extensions.filter((part) => part.length > 1);
  return [base + letters.join(''), ...words].join('_');
}
