/** Parameters of exec helpers for the architectures that Node runs on, by Node's names (`process.arch`). */

import type { ElfIdentity } from '../types.ts';
import type { TerminalAbis } from './terminal-filter.ts';

export interface HostArch {
  readonly identity: ElfIdentity;
  /** The instruction set, as `probe.isa` of profiles names it. */
  readonly isa: string;
  /** `e_flags`. */
  readonly flags: number;
  readonly syscalls: Syscalls;
  readonly terminal: TerminalAbis;
}

type Call =
  | 'exit'
  | 'write'
  | 'close'
  | 'execve'
  | 'chdir'
  | 'setuid'
  | 'fcntl'
  | 'chroot'
  | 'prctl'
  | 'keyctl';
export type Syscalls = Readonly<Record<Call, number>>;

/** arch/ARCH/…/syscall.tbl of the kernel; include/uapi/asm-generic/unistd.h for newer architectures. */
const GENERIC: Syscalls = {
  ...{ exit: 93, write: 64, close: 57, execve: 221 },
  ...{ chdir: 49, setuid: 146, fcntl: 25, chroot: 51, prctl: 167, keyctl: 219 },
};
const OLD: Syscalls = {
  ...{ exit: 1, write: 4, close: 6, execve: 11 },
  ...{ chdir: 12, setuid: 23, fcntl: 55, chroot: 61, prctl: 172, keyctl: 288 },
};
/** For architectures whose original setuid takes 16 bits: `setuid32`, and `setuid` of s390x. */
const WIDE: Syscalls = { ...OLD, setuid: 213 };
const X86_64: Syscalls = {
  ...{ exit: 60, write: 1, close: 3, execve: 59 },
  ...{ chdir: 80, setuid: 105, fcntl: 72, chroot: 161, prctl: 157, keyctl: 250 },
};
/** `__NR_Linux` of the ABI o32. */
const O32 = 4000;
const MIPS = Object.fromEntries(
  Object.entries({ ...OLD, prctl: 192, keyctl: 282 }).map(([name, number]) => [name, number + O32]),
) as unknown as Syscalls;

/** asm/ioctls.h of most architectures. */
const TYPING = [0x5412, 0x541c] as const;
/** AUDIT_ARCH_… of linux/audit.h, and `ioctl` of the kernel's syscall tables. */
const X86: TerminalAbis = {
  abis: [
    // The second number is x32's ioctl, with __X32_SYSCALL_BIT (asm/unistd.h).
    { arch: 0xc000003e, ioctl: [16, 0x40000202] },
    { arch: 0x40000003, ioctl: [54] },
  ],
  typing: TYPING,
};
const ARM: TerminalAbis = {
  abis: [
    { arch: 0xc00000b7, ioctl: [29] },
    { arch: 0x40000028, ioctl: [54] },
  ],
  typing: TYPING,
};
const LOONGARCH: TerminalAbis = { abis: [{ arch: 0xc0000102, ioctl: [29] }], typing: TYPING };
const MIPSEL: TerminalAbis = {
  abis: [
    { arch: 0x40000008, ioctl: [4054] },
    { arch: 0xc0000008, ioctl: [5015] },
    { arch: 0xe0000008, ioctl: [6015] },
  ],
  typing: [0x5472, 0x5483],
};
const PPC64LE: TerminalAbis = { abis: [{ arch: 0xc0000015, ioctl: [54] }], typing: TYPING };
const RISCV: TerminalAbis = {
  abis: [
    { arch: 0xc00000f3, ioctl: [29] },
    { arch: 0x400000f3, ioctl: [29] },
  ],
  typing: TYPING,
};
const S390: TerminalAbis = {
  abis: [
    { arch: 0x80000016, ioctl: [54] },
    { arch: 0x16, ioctl: [54] },
  ],
  typing: TYPING,
};

const little = (elfClass: 32 | 64, machine: number): ElfIdentity => ({
  class: elfClass,
  byteOrder: 'little',
  machine,
});

export const HOST_ARCHES: ReadonlyMap<string, HostArch> = new Map(
  Object.entries({
    arm: {
      identity: little(32, 40),
      isa: 'arm',
      flags: 0x5000000,
      syscalls: { ...WIDE, keyctl: 311 },
      terminal: ARM,
    },
    arm64: { identity: little(64, 183), isa: 'aarch64', flags: 0, syscalls: GENERIC, terminal: ARM },
    ia32: { identity: little(32, 3), isa: 'x86', flags: 0, syscalls: WIDE, terminal: X86 },
    loong64: {
      identity: little(64, 258),
      isa: 'loongarch',
      flags: 0x43,
      syscalls: GENERIC,
      terminal: LOONGARCH,
    },
    mipsel: { identity: little(32, 8), isa: 'mips', flags: 0x1000, syscalls: MIPS, terminal: MIPSEL },
    ppc64: {
      identity: little(64, 21),
      isa: 'ppc',
      flags: 2,
      syscalls: { ...OLD, prctl: 171, keyctl: 271 },
      terminal: PPC64LE,
    },
    riscv64: { identity: little(64, 243), isa: 'riscv', flags: 0, syscalls: GENERIC, terminal: RISCV },
    s390x: {
      identity: { class: 64, byteOrder: 'big', machine: 22 },
      isa: 's390x',
      flags: 0,
      syscalls: { ...WIDE, keyctl: 280 },
      terminal: S390,
    },
    x64: { identity: little(64, 62), isa: 'x86', flags: 0, syscalls: X86_64, terminal: X86 },
  }),
);
