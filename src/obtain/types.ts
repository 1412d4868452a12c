import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import type { Memo } from '../emulators/memo.ts';
import type { StoredEmulator } from '../emulators/store/store.ts';
import type { Candidate } from '../emulators/types.ts';
import type { Entry } from '../rule/types.ts';
import type { Natives } from '../safety/natives.ts';
import type { FoundEmulator } from './found.ts';
import type { SourceProblems } from './sources.ts';

export interface EmulatorRequest {
  readonly all: boolean;
  readonly sources: readonly string[];
  readonly emulator?: string | undefined;
  /** Take also what has no sha256 by which it could be verified. */
  readonly allowUnverified?: boolean | undefined;
  /** By arch, what its emulator has to be: other bytes are never run, so that its source may be one that others can write. */
  readonly expected?: Readonly<Record<string, { readonly sha256: string }>> | undefined;
  /** Files that are looked at first. */
  readonly candidates?: readonly Candidate[] | undefined;
  /** They are for another machine, of the arch `host`, and are not run. */
  readonly forOtherHost?: boolean | undefined;
  /** Refuse versions that are known to be bad. */
  readonly strict?: boolean | undefined;
  /** Take only emulators that run a probe; those for another machine (`forOtherHost`) are not checked. */
  readonly prove?: boolean | undefined;
  /** Take only what this machine has, and ask no source. */
  readonly local?: boolean | undefined;
  /** Take also emulators that need libraries of this machine, as long as there is no static one. */
  readonly dynamic?: boolean | undefined;
  /** Ids of arches that may be left out if there is no emulator for them. */
  readonly optional?: readonly string[] | undefined;
  /** Whether `binfmtctl install` asks, so that warnings name its command. */
  readonly isInstall?: boolean | undefined;
  /** Fetch nothing: say only what would be fetched. */
  readonly dryRun: boolean;
}

/** What the kernel runs: its entries, and the machine's own architectures. */
export interface KernelState {
  readonly entries: readonly Entry[];
  readonly natives: Natives;
}

export interface EmulatorSearch extends KernelState {
  readonly host: Arch;
  readonly stored: readonly StoredEmulator[];
  readonly memo: Memo;
  readonly request: EmulatorRequest;
  readonly context: Context;
  /** By id of the arch. */
  readonly found: Map<string, FoundEmulator>;
  readonly problems: SourceProblems;
}
