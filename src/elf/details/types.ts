/** The contents of an ELF file that decide where it runs. */
import type { ElfHeader, ProgramHeader } from '../types.ts';

/** Reads up to `length` bytes at `offset`; fewer only at the end of the file. */
export type ReadBytes = (offset: number, length: number) => Uint8Array;

/** `pie`: position-independent, started by a program interpreter. `library`: a shared library, which has no interpreter. */
export type ElfKind = 'executable' | 'pie' | 'static-pie' | 'library' | 'object' | 'core' | 'other';

/** x86-64 microarchitecture level in the GNU property note (x86-64 psABI, "Processor Architecture Level"). */
export type X86Level = 1 | 2 | 3 | 4;

/** A library and the symbol versions that the program requires of it (`.gnu.version_r`). */
export interface RequiredVersions {
  readonly library: string;
  readonly versions: readonly string[];
}

/** The headers of a file, by which its parts are found. */
export interface Headers {
  readonly header: ElfHeader;
  readonly programs: readonly ProgramHeader[];
}

/** The headers, and a list that collects the parts that cannot be read. */
export interface Parts extends Headers {
  readonly problems: string[];
}

export interface ElfDetails extends Headers {
  readonly kind: ElfKind;
  /** Whether the file starts without a program interpreter and without other files. */
  readonly static: boolean;
  /** Path in PT_INTERP, in the encoding of `decodeText`; null if the file has none or it cannot be read. */
  readonly interpreter: string | null;
  /** Libraries in DT_NEEDED, in order. */
  readonly needed: readonly string[];
  /** Directories of DT_RUNPATH, or of DT_RPATH without it, as written: `$ORIGIN/../lib`. */
  readonly runpath: readonly string[];
  readonly requiredVersions: readonly RequiredVersions[];
  /** Names of the ABI in `e_flags` and notes: `EABI5`, `hard-float`, `n32`, `rv64imafdc`. */
  readonly abi: readonly string[];
  /** Minimum level that the file demands; null without a note, which says nothing about the instructions in it. */
  readonly x86Level: X86Level | null;
  /** Oldest kernel in the GNU ABI note: `3.2.0`; null if there is none. */
  readonly minimumKernel: string | null;
  /** Bytes that the file must have for its loadable segments. */
  readonly loadedSize: bigint;
  /** Parts that are contradictory or outside the file. */
  readonly problems: readonly string[];
}
