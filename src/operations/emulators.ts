import { emulatorsFor } from '../catalogue/resolve.ts';
import type { Arch, EmulatorProfile } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import type { Entry } from '../rule/types.ts';
import type { Context } from './context.ts';
import type { Natives } from './natives.ts';
import type { Found } from './wanted.ts';

/** An arch that nothing was found for. */
export interface Missing {
  readonly arch: string;
  readonly why: string;
}
