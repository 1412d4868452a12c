/** The classes and byte orders that instruction sets are used in. */
import type { ElfIdentity } from '../../../src/elf/types.ts';

const USED: Readonly<Record<string, string>> = {
  aarch64: '64 little, 64 big',
  alpha: '64 little',
  arm: '32 little, 32 big',
  hppa: '32 big',
  loongarch: '64 little',
  m68k: '32 big',
  microblaze: '32 little, 32 big',
  mips: '32 little, 32 big, 64 little, 64 big',
  or1k: '32 big',
  ppc: '32 big, 64 little, 64 big',
  riscv: '32 little, 64 little',
  s390x: '64 big',
  sh4: '32 little, 32 big',
  sparc: '32 big, 64 big',
  x86: '32 little, 64 little',
  xtensa: '32 little, 32 big',
};

/** With a made-up machine, which no instruction set looks at. */
export function identitiesOf(isa: string): ElfIdentity[] {
  return (USED[isa] ?? '32 little').split(', ').map((words) => {
    const [elfClass, byteOrder] = words.split(' ');
    return {
      class: elfClass === '64' ? 64 : 32,
      byteOrder: byteOrder === 'big' ? 'big' : 'little',
      machine: 4711,
    };
  });
}
