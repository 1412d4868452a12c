import type { Persistence } from '../boot/persistence.ts';
import type { Arch } from '../catalogue/types.ts';

/** What `install` is asked for. */
export interface InstallRequest {
  /** Empty with `all`. */
  readonly arches: readonly Arch[];
  /** Every arch of the catalogue for which an emulator is found. */
  readonly all: boolean;
  /** Where emulators come from, in order: `apt`, `dir:…`; empty for this machine and then the default ones. */
  readonly sources: readonly string[];
  /** Take also what has no sha256 by which it could be verified. */
  readonly allowUnverified?: boolean | undefined;
  /** Id of the only emulator that is taken. */
  readonly emulator?: string | undefined;
  readonly persist: Persistence;
  /**
   * Register with C: set-user-id programs of the arch get their owner's rights, through the emulator. `new`: only an entry
   * that does not exist yet; others keep their flags.
   */
  readonly credentials: boolean | 'new';
  /** Take over an entry of that name that is not ours. */
  readonly replace: boolean;
  /** Directory in which each emulator gets a link by the name that other tools look for. */
  readonly link?: string | undefined;
  readonly verify: boolean;
  /** Refuse emulators of a version that is known to be bad. */
  readonly strict?: boolean | undefined;
  /** The lock file that is to name what was installed. */
  readonly lock?: string | undefined;
  /** The lock file that says what is to be installed: those very bytes. */
  readonly locked?: string | undefined;
  readonly dryRun: boolean;
}

/** What of a request decides on a rule, its boot files and links. */
export interface RuleOptions {
  /** `new`: an entry that is there keeps what it has. */
  readonly credentials: boolean | 'new';
  readonly persist: Exclude<Persistence, 'auto'>;
  readonly replace: boolean;
  readonly link?: string | undefined;
}
