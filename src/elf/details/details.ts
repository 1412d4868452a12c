/** Decodes an ELF file as far as it can be read: no value in it is trusted, and every read has a limit. Pure. */
import { BinfmtctlError } from '../../errors.ts';
import { decodeText } from '../../rule/text.ts';
import { decodeHeader } from '../header.ts';
import { decodeProgramHeaders, PT_INTERP, PT_LOAD, programHeaderSize } from '../programs.ts';
import type { ElfHeader, ProgramHeader } from '../types.ts';
import { describeFlags } from './abi.ts';
import { attributeNames } from './attributes.ts';
import { type Dynamic, EMPTY_DYNAMIC, readDynamic } from './dynamic.ts';
import { readNotes } from './notes.ts';
import { readExactly, tryDecode } from './read.ts';
import type { ElfDetails, ElfKind, ReadBytes } from './types.ts';

/** Contains the headers, the interpreter and the notes of nearly every program. */
const HEAD_SIZE = 4096;
/** fs/binfmt_elf.c load_elf_phdrs(): the kernel rejects a longer table. */
const MAX_TABLE_SIZE = 65536;
/** fs/binfmt_elf.c load_elf_binary(): PT_INTERP has at most PATH_MAX bytes. */
const MAX_INTERPRETER_SIZE = 4096;

const ET_REL = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const ET_CORE = 4;
const DF_1_PIE = 0x08000000n;

/**
 * Decodes the file that `read` reads. A damaged part is skipped and named in `problems`.
 *
 * @throws NOT_ELF, BAD_ELF if the header itself cannot be decoded.
 */
export function readDetails(read: ReadBytes): ElfDetails {
  const problems: string[] = [];
  const source = withHead(read);
  const header = decodeHeader(source(0, 64));
  const programs = tryDecode([], () => readPrograms(source, header), problems);
  const of = (type: number) => programs.find((each) => each.type === type);
  const interpreter = tryDecode(null, () => readInterpreter(source, of(PT_INTERP)), problems);
  const dynamic: Dynamic = tryDecode(
    EMPTY_DYNAMIC,
    () => readDynamic(source, { header, programs, problems }),
    problems,
  );
  const notes = readNotes(source, { header, programs, problems });
  const hasInterpreter = of(PT_INTERP) !== undefined;
  const kind = kindOf(header, { hasInterpreter, isPie: (dynamic.flags1 & DF_1_PIE) !== 0n });
  return {
    header,
    programs,
    kind,
    static: !hasInterpreter && (kind === 'executable' || kind === 'static-pie'),
    interpreter,
    needed: dynamic.needed,
    runpath: dynamic.runpath,
    requiredVersions: dynamic.requiredVersions,
    abi: [
      ...describeFlags(header),
      ...tryDecode([], () => attributeNames(source, { header, programs }), problems),
    ],
    x86Level: notes.x86Level,
    minimumKernel: notes.minimumKernel,
    loadedSize: programs
      .filter(({ type }) => type === PT_LOAD)
      .reduce((end, { offset, fileSize }) => (offset + fileSize > end ? offset + fileSize : end), 0n),
    problems,
  };
}

/** Serves the first 4 KiB from one read. */
function withHead(read: ReadBytes): ReadBytes {
  const head = read(0, HEAD_SIZE);
  return (offset, length) =>
    offset + length <= head.length || head.length < HEAD_SIZE
      ? head.subarray(offset, offset + length)
      : read(offset, length);
}

function readPrograms(read: ReadBytes, header: ElfHeader): readonly ProgramHeader[] {
  const { programHeaderCount: count, programHeaderSize: size, programHeaderOffset: offset } = header;
  if (count === 0) return [];
  if (size !== programHeaderSize(header.class) || count * size > MAX_TABLE_SIZE) {
    throw new BinfmtctlError('BAD_ELF', `invalid table of ${count} program headers of ${size} bytes`);
  }
  return decodeProgramHeaders(readExactly(read, offset, count * size), header);
}

function readInterpreter(read: ReadBytes, program: ProgramHeader | undefined): string | null {
  if (program === undefined) return null;
  if (program.fileSize < 2n || program.fileSize > MAX_INTERPRETER_SIZE) {
    throw new BinfmtctlError('BAD_ELF', `invalid program interpreter of ${program.fileSize} bytes`);
  }
  const bytes = readExactly(read, program.offset, Number(program.fileSize));
  if (bytes.at(-1) !== 0) throw new BinfmtctlError('BAD_ELF', 'program interpreter does not end in NUL');
  return decodeText(bytes.subarray(0, bytes.indexOf(0)));
}

function kindOf(
  { type }: ElfHeader,
  { hasInterpreter, isPie }: { readonly hasInterpreter: boolean; readonly isPie: boolean },
): ElfKind {
  if (type === ET_EXEC) return 'executable';
  if (type === ET_REL) return 'object';
  if (type === ET_CORE) return 'core';
  if (type !== ET_DYN) return 'other';
  if (hasInterpreter) return 'pie';
  return isPie ? 'static-pie' : 'library';
}
