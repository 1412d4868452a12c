/** Checks a program interpreter as fs/binfmt_elf.c load_elf_binary() does. */

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
/** Size of an ELF header by EI_CLASS. */
const HEADER_SIZE: Readonly<Record<number, number>> = { 1: 52, 2: 64 };
const EI_CLASS = 4;
const E_MACHINE = 18;

/**
 * Returns null if `loader` can load the native program that begins with `program`; EIO if it is shorter than a header
 * of the program's class; ELIBBAD if it is not an ELF file of the same machine.
 */
export function loaderErrno(
  program: Uint8Array,
  { head, native }: { readonly head: Uint8Array; readonly native: boolean },
): 'EIO' | 'ELIBBAD' | null {
  if (head.length < (HEADER_SIZE[program[EI_CLASS] ?? 0] ?? 64)) return 'EIO';
  const isElf = ELF_MAGIC.every((byte, index) => head[index] === byte);
  const sameMachine = [E_MACHINE, E_MACHINE + 1].every((at) => head[at] === program[at]);
  return isElf && sameMachine && native ? null : 'ELIBBAD';
}
