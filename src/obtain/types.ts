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
  /** Accepts url: without sha256. */
  readonly allowUnverified?: boolean | undefined;
  /** Required emulators by arch. Others are never run, so other users may be able to change the source. */
  readonly expected?: Readonly<Record<string, { readonly sha256: string }>> | undefined;
  /** Files to try first. */
  readonly candidates?: readonly Candidate[] | undefined;
  /** The emulators are for another machine, of the arch `host`, and are not run. */
  readonly forOtherHost?: boolean | undefined;
  /** Rejects versions with known problems. */
  readonly strict?: boolean | undefined;
  /** Requires emulators to run a probe, except with `forOtherHost`. */
  readonly prove?: boolean | undefined;
  /** Searches only this machine, not the sources. */
  readonly local?: boolean | undefined;
  /** Accepts emulators that need libraries of this machine if there is no static one. */
  readonly dynamic?: boolean | undefined;
  /** Ids of arches that may be missing. */
  readonly optional?: readonly string[] | undefined;
  /** Whether `binfmtctl install` asks, so that warnings name its command. */
  readonly isInstall?: boolean | undefined;
  /** Fetches nothing; only reports what would be fetched. */
  readonly dryRun: boolean;
}

/** The kernel's entries and its native architectures. */
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
