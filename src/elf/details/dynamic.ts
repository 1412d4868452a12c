/** Reads the dynamic section through PT_DYNAMIC, as the program loader does: sections may be stripped. Pure. */
import { BinfmtctlError } from '../../errors.ts';
import { fieldReader } from '../fields.ts';
import { PT_DYNAMIC } from '../programs.ts';
import type { ElfHeader } from '../types.ts';
import { fileOffset, readExactly, readString, tryDecode } from './read.ts';
import type { Parts, ReadBytes, RequiredVersions } from './types.ts';
import { readRequiredVersions } from './versions.ts';

export interface Dynamic {
  readonly needed: readonly string[];
  readonly runpath: readonly string[];
  readonly requiredVersions: readonly RequiredVersions[];
  /** DT_FLAGS_1. */
  readonly flags1: bigint;
}

export const EMPTY_DYNAMIC: Dynamic = { needed: [], runpath: [], requiredVersions: [], flags1: 0n };

/** Tags of the System V ABI, chapter 5, and of GNU (include/uapi/linux/elf.h, glibc elf/elf.h). */
const DT_NULL = 0n;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_RPATH = 15n;
const DT_RUNPATH = 29n;
const DT_VERNEED = 0x6ffffffen;
const DT_VERNEEDNUM = 0x6fffffffn;
const DT_FLAGS_1 = 0x6ffffffbn;

/** Real programs have below 1 KiB. */
const MAX_SIZE = 65536;
/** Programs of large projects have about 200. */
const MAX_NEEDED = 1000;
const MAX_NAME = 4096;

/** @throws BAD_ELF if the table or its string table cannot be read. Names that cannot be read are in `problems`. */
export function readDynamic(read: ReadBytes, { header, programs, problems }: Parts): Dynamic {
  const table = programs.find(({ type }) => type === PT_DYNAMIC);
  if (table === undefined || table.fileSize === 0n) return EMPTY_DYNAMIC;
  if (table.fileSize > MAX_SIZE) {
    throw new BinfmtctlError('BAD_ELF', `dynamic section of ${table.fileSize} bytes`);
  }
  const entries = decodeEntries(readExactly(read, table.offset, Number(table.fileSize)), header);
  const first = (tag: bigint) => entries.find((each) => each.tag === tag)?.value;
  const flags1 = first(DT_FLAGS_1) ?? 0n;
  const strings = first(DT_STRTAB);
  if (strings === undefined) return { ...EMPTY_DYNAMIC, flags1 };
  const start = fileOffset(programs, strings);
  const nameAt = (index: bigint) => readString(read, start + index, MAX_NAME);
  const names = (tag: bigint) =>
    entries
      .filter((each) => each.tag === tag)
      .slice(0, MAX_NEEDED)
      .flatMap(({ value }) => tryDecode([], () => [nameAt(value)], problems));
  const runpath = names(DT_RUNPATH);
  const count = first(DT_VERNEEDNUM) ?? 0n;
  const versions = first(DT_VERNEED);
  return {
    needed: names(DT_NEEDED),
    runpath: (runpath.length > 0 ? runpath : names(DT_RPATH)).flatMap((path) => path.split(':')),
    requiredVersions:
      versions === undefined
        ? []
        : tryDecode(
            [],
            () =>
              readRequiredVersions(read, { header, start: fileOffset(programs, versions), count, nameAt }),
            problems,
          ),
    flags1,
  };
}

function decodeEntries(bytes: Uint8Array, header: ElfHeader) {
  const size = header.class === 32 ? 8 : 16;
  const count = Math.floor(bytes.length / size);
  const fields = fieldReader(bytes, 0, header);
  const entries = Array.from({ length: count }, () => ({ tag: fields.address(), value: fields.address() }));
  const end = entries.findIndex(({ tag }) => tag === DT_NULL);
  return end === -1 ? entries : entries.slice(0, end);
}
