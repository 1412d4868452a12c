import type { Arch, EmulatorProfile } from '../catalogue/types.ts';
import type { Emulator } from '../emulators/types.ts';

/** An inspected emulator, with its profile and the arch that it emulates. */
export interface FoundEmulator {
  readonly arch: Arch;
  readonly profile: EmulatorProfile;
  readonly emulator: Emulator;
  /** The --source that it was fetched from; undefined if it was found on this machine. */
  readonly source?: string | undefined;
}
