/** Names the ABI in `e_flags`, with the words of the toolchains. Sources are the psABIs and glibc's elf/elf.h. Pure. */
import type { ElfHeader } from '../types.ts';

/** Names of the ABI, the most general one first; empty if `e_flags` of this machine says nothing. */
export function describeFlags(header: ElfHeader): readonly string[] {
  return DESCRIPTIONS.get(header.machine)?.(header) ?? [];
}

const DESCRIPTIONS: ReadonlyMap<number, (header: ElfHeader) => readonly string[]> = new Map([
  [8, mips],
  [18, sparc32plus],
  [21, ppc64],
  [22, ({ class: elfClass }: ElfHeader) => (elfClass === 32 ? ['s390, 31-bit'] : [])],
  [40, arm],
  [62, ({ class: elfClass }: ElfHeader) => (elfClass === 32 ? ['x32'] : [])],
  [183, ({ class: elfClass }: ElfHeader) => (elfClass === 32 ? ['ilp32'] : [])],
  [243, riscv],
  [258, loongarch],
]);

/** ELF for the Arm Architecture, "ELF Header". EF_ARM_SOFT_FLOAT and EF_ARM_VFP_FLOAT of GNU have the same bits as EABI5's. */
function arm({ flags }: ElfHeader): readonly string[] {
  const version = flags >>> 24;
  const float = flags & 0x400 ? 'hard-float' : flags & 0x200 ? 'soft-float' : null;
  const names = [version === 0 ? 'old ABI' : `EABI${version}`, float, flags & 0x00800000 ? 'BE8' : null];
  return names.filter((name) => name !== null);
}

const MIPS_ISAS: readonly string[] = [
  ...['mips1', 'mips2', 'mips3', 'mips4', 'mips5', 'mips32', 'mips64'],
  ...['mips32r2', 'mips64r2', 'mips32r6', 'mips64r6'],
];

/** MIPS psABI supplement, and glibc's EF_MIPS_*. */
function mips({ class: elfClass, flags }: ElfHeader): readonly string[] {
  const abi = elfClass === 64 ? 'n64' : flags & 0x20 ? 'n32' : 'o32';
  return [abi, MIPS_ISAS[flags >>> 28] ?? null, flags & 0x400 ? 'nan2008' : null].filter(
    (name) => name !== null,
  );
}

function sparc32plus({ flags }: ElfHeader): readonly string[] {
  return flags & 0x800 ? ['v8+', 'UltraSPARC III'] : flags & 0x200 ? ['v8+', 'UltraSPARC'] : ['v8+'];
}

/** 64-Bit ELF V2 ABI, "ELF Header": 0 is unspecified, which is v1 in big-endian programs. */
function ppc64({ flags, byteOrder }: ElfHeader): readonly string[] {
  const version = flags & 3;
  return [`ELFv${version === 0 ? (byteOrder === 'big' ? 1 : 2) : version}`];
}

const RISCV_FLOAT: readonly string[] = ['soft-float', 'single-float', 'double-float', 'quad-float'];

/** RISC-V ELF psABI, "File Header". */
function riscv({ flags }: ElfHeader): readonly string[] {
  const float = RISCV_FLOAT[(flags >>> 1) & 3] as string;
  return [float, flags & 1 ? 'RVC' : null, flags & 8 ? 'RVE' : null].filter((name) => name !== null);
}

/** LoongArch ELF psABI, "ABI Type in e_flags". */
function loongarch({ flags }: ElfHeader): readonly string[] {
  const float = [null, 'soft-float', 'single-float', 'double-float'][flags & 7] ?? null;
  return float === null ? [] : [float];
}
