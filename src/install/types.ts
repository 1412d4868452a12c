import type { Persistence } from '../boot/persistence.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Origin } from '../emulators/types.ts';

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
  /** Directory in which each emulator gets a link by the name that other tools look for. */
  readonly link?: string | undefined;
  readonly verify: boolean;
  /** Refuse emulators with known problems. */
  readonly strict?: boolean | undefined;
  /** The lock file to record the installed emulators in. */
  readonly lock?: string | undefined;
  /** The lock file that determines the emulators, byte for byte. */
  readonly locked?: string | undefined;
  readonly dryRun: boolean;
}

/** The parts of a request that determine a rule, its boot files and links. */
export interface RuleOptions {
  /** `new`: existing entries keep their flags. */
  readonly credentials: boolean | 'new';
  readonly persist: Exclude<Persistence, 'auto'>;
  readonly replace: boolean;
  readonly link?: string | undefined;
}

/** The emulator that runs programs of an arch, and where it comes from. */
export interface InstalledEmulator {
  readonly arch: string;
  /** Name of the entry. */
  readonly entry: string;
  /** Id of its profile; null if unknown. */
  readonly emulator: string | null;
  readonly version: string | null;
  /** Null, as what follows, if the program behind an entry that works already cannot be seen. */
  readonly path: string | null;
  readonly sha256: string | null;
  readonly static: boolean | null;
  /** Where it was found; null for an entry that works already. */
  readonly origin: Origin | null;
  /** The source that it was fetched from, as it was named. */
  readonly source: string | null;
  /** For `apt`: the release of the distribution. */
  readonly release: string | null;
  /** Whether a boot service registers the entry again after a reboot. */
  readonly persisted: boolean;
}

/**
 * `restart`: until the next reboot or restart of systemd-binfmt. `namespace`: as long as the user namespace. `unknown`: a warning or a note
 * says on what it depends.
 */
export type Duration = 'always' | 'reboot' | 'restart' | 'namespace' | 'unknown';

/** How long the entries of `install` last. */
export interface InstalledDuration {
  readonly lasts: Duration;
  /** Whether `--persist` would make it last. */
  readonly canPersist: boolean;
}

/** Emulators of a store: how many, and how large they are together. */
export interface StoredAmount {
  readonly emulators: number;
  readonly bytes: number;
}
