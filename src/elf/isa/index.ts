/** The instruction sets, by the names in `probe.isa` of profiles. */
import { aarch64 } from './aarch64.ts';
import { alpha } from './alpha.ts';
import { arm } from './arm.ts';
import { cris } from './embedded/cris.ts';
import { hexagon } from './embedded/hexagon.ts';
import { microblaze } from './embedded/microblaze.ts';
import { nios2 } from './embedded/nios2.ts';
import { or1k } from './embedded/or1k.ts';
import { sh4 } from './embedded/sh4.ts';
import { xtensa } from './embedded/xtensa.ts';
import { hppa } from './hppa.ts';
import { loongarch } from './loongarch.ts';
import { m68k } from './m68k.ts';
import { mips } from './mips.ts';
import { ppc } from './ppc.ts';
import { riscv } from './riscv.ts';
import { s390x } from './s390x.ts';
import { sparc } from './sparc.ts';
import type { IsaOf } from './types.ts';
import { x86 } from './x86.ts';

export const ISAS: ReadonlyMap<string, IsaOf> = new Map(
  Object.entries({
    aarch64,
    alpha,
    arm,
    cris,
    hexagon,
    hppa,
    loongarch,
    m68k,
    microblaze,
    mips,
    nios2,
    or1k,
    ppc,
    riscv,
    s390x,
    sh4,
    sparc,
    x86,
    xtensa,
  }),
);
