/** Reads the notes that restrict where a program runs: CPU level and oldest kernel. Pure. */
import { isBinfmtctlError } from '../../errors.ts';
import { fieldReader } from '../fields.ts';
import type { ElfHeader } from '../types.ts';
import { readExactly } from './read.ts';
import type { Parts, ReadBytes, X86Level } from './types.ts';

export interface Notes {
  readonly x86Level: X86Level | null;
  readonly minimumKernel: string | null;
}

const PT_NOTE = 4;
/** Notes of programs have below 1 KiB; packaging metadata may add some. */
const MAX_SIZE = 65536;
const MAX_SEGMENTS = 64;

const NT_GNU_ABI_TAG = 1;
const NT_GNU_PROPERTY_TYPE_0 = 5;
const ELF_NOTE_OS_LINUX = 0;
/** x86-64 psABI, "Program Property": four bits, the highest one counts. */
const GNU_PROPERTY_X86_ISA_1_NEEDED = 0xc0008002;
const X86_MACHINES: readonly number[] = [3, 62];

/** A segment that cannot be decoded is skipped and named in `problems`. */
export function readNotes(read: ReadBytes, { header, programs, problems }: Parts): Notes {
  let notes: Notes = { x86Level: null, minimumKernel: null };
  for (const segment of programs.filter(({ type }) => type === PT_NOTE).slice(0, MAX_SEGMENTS)) {
    if (segment.fileSize > MAX_SIZE) {
      problems.push(`note segment of ${segment.fileSize} bytes`);
      continue;
    }
    try {
      const bytes = readExactly(read, segment.offset, Number(segment.fileSize));
      for (const note of decodeNotes(bytes, header, segment.align === 8n ? 8 : 4)) {
        notes = { ...notes, ...decodeNote(note, header) };
      }
    } catch (error) {
      if (!isBinfmtctlError(error)) throw error;
      problems.push(error.message);
    }
  }
  return notes;
}

interface Note {
  readonly type: number;
  readonly content: Uint8Array;
}

/** The notes of the owner GNU. Ends at the first one that does not fit. */
function decodeNotes(bytes: Uint8Array, header: ElfHeader, align: 4 | 8): readonly Note[] {
  const notes: Note[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const fields = fieldReader(bytes, at, header);
    const nameSize = fields.word();
    const contentSize = fields.word();
    const type = fields.word();
    const content = roundUp(at + 12 + nameSize, align);
    if (content + contentSize > bytes.length) break;
    const isGnu =
      nameSize === 4 && ['G', 'N', 'U', '\0'].every((c, i) => bytes[at + 12 + i] === c.charCodeAt(0));
    if (isGnu) notes.push({ type, content: bytes.subarray(content, content + contentSize) });
    at = roundUp(content + contentSize, align);
  }
  return notes;
}

function decodeNote({ type, content }: Note, header: ElfHeader): Partial<Notes> {
  if (type === NT_GNU_ABI_TAG && content.length >= 16) {
    const fields = fieldReader(content, 0, header);
    if (fields.word() !== ELF_NOTE_OS_LINUX) return {};
    return { minimumKernel: `${fields.word()}.${fields.word()}.${fields.word()}` };
  }
  if (type !== NT_GNU_PROPERTY_TYPE_0 || !X86_MACHINES.includes(header.machine)) return {};
  const needed = propertyOf(content, header, GNU_PROPERTY_X86_ISA_1_NEEDED);
  // Bits 0 to 3 stand for levels 1 to 4.
  const level = 32 - Math.clz32(needed & 0xf);
  return level === 0 ? {} : { x86Level: level as X86Level };
}

/** The 32-bit value of a property; 0 if it is absent. */
function propertyOf(content: Uint8Array, header: ElfHeader, requested: number): number {
  const align = header.class === 64 ? 8 : 4;
  for (let at = 0; at + 12 <= content.length; ) {
    const fields = fieldReader(content, at, header);
    const type = fields.word();
    const size = fields.word();
    if (type === requested && size === 4) return fields.word();
    at = roundUp(at + 8 + size, align);
  }
  return 0;
}

const roundUp = (value: number, align: number): number => Math.ceil(value / align) * align;
