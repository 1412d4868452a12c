/** Who runs the programs of other machines. */
import type { Arch } from '../catalogue/types.ts';
import type { Entry, Rule } from '../rule/types.ts';

/**
 * `machine`: without emulator. `entry`: an entry that was there. `private`: one that lives as long as the program.
 * `emulator`: the emulator as a plain program, without an entry, so that children are not emulated. `proot`: proot with the
 * emulator, for children, too. `shell`: a text without a `#!` line, which execvp(3) and shells run as a script.
 */
export type RunBy = 'machine' | 'entry' | 'private' | 'emulator' | 'proot' | 'shell';

/** How programs of one architecture are run. */
export interface EmulatedArch {
  readonly arch: string;
  readonly by: RunBy;
  readonly entry: string | null;
  /** Path of the emulator. */
  readonly emulator: string | null;
  /** Null where it is not known. */
  readonly version: string | null;
}

/** Who runs a program that is not ELF. */
export interface EmulatedFormat {
  /** Id of the catalogue, or `script`; null for an unknown format. */
  readonly format: string | null;
  readonly by: RunBy;
  readonly entry: string | null;
  readonly emulator: string | null;
}

export interface Emulation {
  /** Who runs each of the requested programs, in their order; null for a format without a known emulator. */
  readonly programs: readonly (RunBy | null)[];
  /** How each architecture is run; empty unless the request asks for a report. */
  readonly arches: readonly EmulatedArch[];
  /** How the programs that are not ELF are run; empty unless the request asks for a report. */
  readonly formats: readonly EmulatedFormat[];
  /** What a private instance has to hold, as the kernel tries it; null where none is needed. */
  readonly rules: readonly Rule[] | null;
  /** What is known to be wrong with the emulators, in full sentences. */
  readonly warnings: readonly string[];
}

/** What may be taken for emulators, and what they have to run besides the programs themselves. */
export interface EmulationRequest {
  readonly arches: readonly Arch[];
  /** Every arch that an emulator is found for, besides `arches`. */
  readonly all: boolean;
  readonly sources: readonly string[];
  readonly emulator?: string | undefined;
  readonly allowUnverified?: boolean | undefined;
  /** Whether to report `arches` and `formats`, which takes time. */
  readonly withReport?: boolean | undefined;
  /** The path of the only program, which entries with an extension look at. */
  readonly path?: string | undefined;
}

/** What the programs are whose emulation is looked for. */
export interface EmulationSearch {
  /** The first bytes of each program. */
  readonly heads: readonly Uint8Array[];
  readonly request: EmulationRequest;
  /** The root that they run in; null for this machine. */
  readonly root: string | null;
  /** The enabled entries of the instance that serves us, newest first. */
  readonly entries: readonly Entry[];
}
