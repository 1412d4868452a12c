import type { Persistence } from '../boot/persistence.ts';
import type { Arch } from '../catalogue/types.ts';

/** A request for `install`. */
export interface InstallRequest {
  /** Empty with `all`. */
  readonly arches: readonly Arch[];
  /** Every architecture in the catalogue that has an emulator. */
  readonly all: boolean;
  /** Sources of emulators, in order: `apt`, `dir:…`; empty for this machine and then the default sources. */
  readonly sources: readonly string[];
  /** Also accept downloads without a digest to verify. */
  readonly allowUnverified?: boolean | undefined;
  /** ID of the only emulator to use. */
  readonly emulator?: string | undefined;
  readonly persist: Persistence;
  /**
   * Register with C: set-user-ID programs get their owner's rights, through the emulator. `new`: only for entries
   * that do not exist yet; others keep their flags.
   */
  readonly credentials: boolean | 'new';
  /** Replace an entry of the same name that binfmtctl did not register. */
  readonly replace: boolean;
  readonly verify: boolean;
  /** Refuse emulators with known problems. */
  readonly strict?: boolean | undefined;
  /** The lock file to record the installed emulators in. */
  readonly lock?: string | undefined;
  /** The lock file that determines the emulators, byte for byte. */
  readonly locked?: string | undefined;
  readonly dryRun: boolean;
}

/** The parts of a request that determine a rule and its boot files. */
export interface RuleOptions {
  /** `new`: existing entries keep their flags. */
  readonly credentials: boolean | 'new';
  readonly persist: Exclude<Persistence, 'auto'>;
  readonly replace: boolean;
}
