/** How foreign programs run. */
import type { Arch } from '../catalogue/types.ts';
import type { Entry, Rule } from '../rule/types.ts';

/**
 * `machine`: natively. `entry`: through an existing entry. `private`: through an entry of a private instance, which ends with the
 * program. `emulator`: the emulator as a plain program without an entry, so child processes are not emulated. `proot`: proot with
 * the emulator, which includes child processes. `shell`: a text without a `#!` line, which execvp(3) and shells run as a script.
 */
export type RunBy = 'machine' | 'entry' | 'private' | 'emulator' | 'proot' | 'shell';

/** How programs of one architecture are run. */
export interface EmulatedArch {
  readonly arch: string;
  readonly by: RunBy;
  readonly entry: string | null;
  /** Path of the emulator. */
  readonly emulator: string | null;
  /** Null if unknown. */
  readonly version: string | null;
}

/** How a program that is not ELF runs. */
export interface EmulatedFormat {
  /** ID in the catalogue, or `script`; null for an unknown format. */
  readonly format: string | null;
  readonly by: RunBy;
  readonly entry: string | null;
  readonly emulator: string | null;
}

export interface Emulation {
  /** How each requested program runs, in the order of the request; null for a format without a known emulator. */
  readonly programs: readonly (RunBy | null)[];
  /** How each architecture runs; may be incomplete unless the request asks for a report. */
  readonly arches: readonly EmulatedArch[];
  /** How programs that are not ELF run; may be incomplete unless the request asks for a report. */
  readonly formats: readonly EmulatedFormat[];
  /** Rules of the private instance, in the kernel's order; null if none is needed. */
  readonly rules: readonly Rule[] | null;
  /** Known problems of the emulators. */
  readonly warnings: readonly string[];
}

/** Which emulators may be used, and which architectures they must run in addition to the programs themselves. */
export interface EmulationRequest {
  readonly arches: readonly Arch[];
  /** Also every architecture that has an emulator. */
  readonly all: boolean;
  readonly sources: readonly string[];
  readonly emulator?: string | undefined;
  readonly allowUnverified?: boolean | undefined;
  /** Whether to determine all of `arches` and `formats`, which takes time. */
  readonly withReport?: boolean | undefined;
  /** The path of the only program, for entries that match an extension. */
  readonly path?: string | undefined;
}

/** The programs to find emulation for. */
export interface EmulationSearch {
  /** The first bytes of each program. */
  readonly heads: readonly Uint8Array[];
  readonly request: EmulationRequest;
  /** The root that they run in; null for the host. */
  readonly root: string | null;
  /** The enabled entries of the current instance, newest first. */
  readonly entries: readonly Entry[];
}
