/** Bits of an address in an ELF file. */
export type ElfClass = 32 | 64;

/** Byte order of an ELF file. */
export type ByteOrder = 'little' | 'big';

/** The fields of an ELF header that identify an architecture. */
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

/** The parameters of an arch's probe; part of its profile. */
export interface ProbeSpec {
  /** Name of the instruction encoder: `aarch64`, `mips`, `x86`. */
  readonly isa: string;
  /** Linux system call numbers of the arch. Arches without `readlink` have `readlinkat`. */
  readonly syscalls: {
    readonly read: number;
    readonly write: number;
    readonly geteuid: number;
    readonly exit: number;
    readonly readlink?: number | undefined;
    readonly readlinkat?: number | undefined;
  };
  /** `e_flags` of the probe, if an emulator or the kernel checks them (MIPS ABI, RISC-V float ABI). */
  readonly flags?: number | undefined;
}

/** The decoded report of a probe: see `src/elf/report.ts`. */
export interface ProbeReport {
  readonly euid: number;
  readonly argv0: string;
  /** Target of `/proc/self/exe` in the kernel: the probe if it runs natively, the emulator if it is emulated, null without /proc. */
  readonly exe: string | null;
}
