/** Files that the kernel runs without an emulator, as patterns. */
import type { MagicPattern } from '../types.ts';

const EI_CLASS = 4;
const EI_DATA = 5;
const ELFCLASS32 = 1;
const ELFDATA2MSB = 2;
const EM_MIPS = 8;

/** Values of `e_machine` that a kernel treats alike (arch/{x86,s390,openrisc,microblaze}/include/asm/elf.h). */
const SYNONYMS: readonly (readonly number[])[] = [
  [3, 6], // EM_386, EM_486
  [22, 0xa390], // EM_S390, EM_S390_OLD
  [92, 0x8472], // EM_OPENRISC, EM_OR32
  [189, 0xbaab], // EM_MICROBLAZE, EM_MICROBLAZE_OLD
];

/** Values of `e_machine` whose elf_check_arch() also compares EI_CLASS: MIPS, PA-RISC, S/390, RISC-V, LoongArch. */
const CLASS_IS_COMPARED: ReadonlySet<number> = new Set([EM_MIPS, 15, 22, 0xa390, 243, 258]);

/**
 * Patterns of all headers that the kernel's ELF loader treats like `head`, the first bytes of a program.
 * load_elf_binary() in fs/binfmt_elf.c compares the ELF magic and `e_type`; elf_check_arch() in
 * arch/ARCH/include/asm/elf.h compares `e_machine`. Neither compares the other bytes of `e_ident`, or `e_version`.
 * Empty if the file is not ELF.
 */
export function nativePatterns(head: Uint8Array): readonly MagicPattern[] {
  if (head.length < 20 || ![0x7f, 0x45, 0x4c, 0x46].every((byte, at) => head[at] === byte)) return [];
  const isBig = head[EI_DATA] === ELFDATA2MSB;
  const machine = halfAt(head, 18, { isBig });
  const machines = SYNONYMS.find((all) => all.includes(machine)) ?? [machine];
  return machines.map((each) => patternFor(head, each, { isBig }));
}

function patternFor(head: Uint8Array, machine: number, { isBig }: { readonly isBig: boolean }): MagicPattern {
  const isO32OrN32 = machine === EM_MIPS && head[EI_CLASS] === ELFCLASS32;
  const magic = new Uint8Array(isO32OrN32 ? 40 : 20);
  const mask = new Uint8Array(magic.length);
  const require = (at: number, byte: number, bits = 0xff): void => {
    magic[at] = byte & bits;
    mask[at] = bits;
  };
  for (let at = 0; at < 4; at++) require(at, head[at] ?? 0);
  if (CLASS_IS_COMPARED.has(machine)) require(EI_CLASS, head[EI_CLASS] ?? 0);
  // ET_EXEC (2) or ET_DYN (3).
  require(isBig ? 17 : 16, 2, 0xfe);
  require(isBig ? 16 : 17, 0);
  require(isBig ? 19 : 18, machine & 0xff);
  require(isBig ? 18 : 19, machine >> 8);
  // EF_MIPS_ABI2 tells n32 from o32 (arch/mips/kernel/binfmt_elf[on]32.c), and a kernel may run only one of them.
  if (isO32OrN32) require(isBig ? 39 : 36, head[isBig ? 39 : 36] ?? 0, 0x20);
  return { type: 'magic', offset: 0, magic, mask };
}

const halfAt = (bytes: Uint8Array, at: number, { isBig }: { readonly isBig: boolean }): number => {
  const [first = 0, second = 0] = [bytes[at], bytes[at + 1]];
  return isBig ? (first << 8) | second : first | (second << 8);
};
