/** Bits of an address in an ELF file. */
export type ElfClass = 32 | 64;

/** Byte order of an ELF file. */
export type ByteOrder = 'little' | 'big';

/** What tells ELF files of one architecture from those of another. */
export interface ElfIdentity {
  readonly class: ElfClass;
  readonly byteOrder: ByteOrder;
  /** `e_machine`, 0 to 65535. */
  readonly machine: number;
}

export interface ElfHeader extends ElfIdentity {
  readonly osAbi: number;
  readonly abiVersion: number;
  /** `e_type`: 2 executable, 3 shared object or position-independent executable. */
  readonly type: number;
  readonly version: number;
  readonly entry: bigint;
  readonly programHeaderOffset: bigint;
  readonly sectionHeaderOffset: bigint;
  readonly flags: number;
  readonly headerSize: number;
  readonly programHeaderSize: number;
  readonly programHeaderCount: number;
  readonly sectionHeaderSize: number;
  readonly sectionHeaderCount: number;
  readonly sectionNamesIndex: number;
}

export interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: bigint;
  readonly virtualAddress: bigint;
  readonly physicalAddress: bigint;
  readonly fileSize: bigint;
  readonly memorySize: bigint;
  readonly align: bigint;
}

/** What is needed to assemble a probe for an arch; part of its profile. */
export interface ProbeSpec {
  /** Which instruction encoder: one for each instruction set, e.g. `aarch64`, `mips`, `x86`. */
  readonly isa: string;
  /** Linux system call numbers of the arch. `readlinkat` is for arches without `readlink`. */
  readonly syscalls: {
    readonly read: number;
    readonly write: number;
    readonly geteuid: number;
    readonly exit: number;
    readonly readlink?: number | undefined;
    readonly readlinkat?: number | undefined;
  };
  /** `e_flags` of the probe, where the emulator or kernel looks at them (MIPS ABI, RISC-V float ABI …). */
  readonly flags?: number | undefined;
}

/** What a probe wrote: see `src/elf/probe.ts`. */
export interface ProbeReport {
  readonly euid: number;
  readonly argv0: string;
  /** Target of `/proc/self/exe` as the kernel sees it: the probe itself when native, the emulator when emulated;
   * null where there is no /proc. */
  readonly exe: string | null;
}
