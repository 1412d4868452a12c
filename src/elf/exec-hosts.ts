/** The architectures that Node runs on, by its names for them (`process.arch`), and what an exec helper needs there. */
import type { ElfIdentity } from './types.ts';

export interface HostArch {
  readonly identity: ElfIdentity;
  /** The instruction set, as `probe.isa` of profiles names it. */
  readonly isa: string;
  /** `e_flags`. */
  readonly flags: number;
  readonly syscalls: Syscalls;
}

type Call = 'exit' | 'write' | 'close' | 'execve' | 'chdir' | 'setuid' | 'fcntl' | 'chroot';
export type Syscalls = Readonly<Record<Call, number>>;

/** Each kernel's arch/ARCH/…/syscall.tbl; include/uapi/asm-generic/unistd.h for newer ones. */
const GENERIC: Syscalls = {
  ...{ exit: 93, write: 64, close: 57, execve: 221 },
  ...{ chdir: 49, setuid: 146, fcntl: 25, chroot: 51 },
};
const OLD: Syscalls = {
  ...{ exit: 1, write: 4, close: 6, execve: 11 },
  ...{ chdir: 12, setuid: 23, fcntl: 55, chroot: 61 },
};
/** For kernels whose first setuid takes 16 bits: `setuid32`, and `setuid` of s390x. */
const WIDE: Syscalls = { ...OLD, setuid: 213 };
const X86_64: Syscalls = {
  ...{ exit: 60, write: 1, close: 3, execve: 59 },
  ...{ chdir: 80, setuid: 105, fcntl: 72, chroot: 161 },
};
/** `__NR_Linux` of the ABI o32. */
const O32 = 4000;
const MIPS = Object.fromEntries(
  Object.entries(OLD).map(([name, number]) => [name, number + O32]),
) as unknown as Syscalls;

const little = (elfClass: 32 | 64, machine: number): ElfIdentity => ({
  class: elfClass,
  byteOrder: 'little',
  machine,
});

export const HOST_ARCHES: ReadonlyMap<string, HostArch> = new Map(
  Object.entries({
    arm: { identity: little(32, 40), isa: 'arm', flags: 0x5000000, syscalls: WIDE },
    arm64: { identity: little(64, 183), isa: 'aarch64', flags: 0, syscalls: GENERIC },
    ia32: { identity: little(32, 3), isa: 'x86', flags: 0, syscalls: WIDE },
    loong64: { identity: little(64, 258), isa: 'loongarch', flags: 0x43, syscalls: GENERIC },
    mipsel: { identity: little(32, 8), isa: 'mips', flags: 0x1000, syscalls: MIPS },
    ppc64: { identity: little(64, 21), isa: 'ppc', flags: 2, syscalls: OLD },
    riscv64: { identity: little(64, 243), isa: 'riscv', flags: 0, syscalls: GENERIC },
    s390x: {
      identity: { class: 64, byteOrder: 'big', machine: 22 },
      isa: 's390x',
      flags: 0,
      syscalls: WIDE,
    },
    x64: { identity: little(64, 62), isa: 'x86', flags: 0, syscalls: X86_64 },
  }),
);
