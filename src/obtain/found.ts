import type { Arch, EmulatorProfile } from '../catalogue/types.ts';
import type { Emulator } from '../emulators/types.ts';

/** An inspected emulator for an arch, with its profile. */
export interface FoundEmulator {
  readonly arch: Arch;
  readonly profile: EmulatorProfile;
  readonly emulator: Emulator;
  /** The source that it was fetched from, as it was named; absent for what was there. */
  readonly source?: string | undefined;
}
