import type { Errno, Executable } from '../rule/execution/types.ts';
import type { MagicPattern, Pattern } from '../rule/types.ts';

/** Programs that run without an emulator. */
export interface Native {
  /** Description for messages: `x86_64 programs`. */
  readonly what: string;
  readonly pattern: MagicPattern;
}

/** Programs that may run without an emulator: probes were inconclusive. */
export interface UnprovenNative extends Native {
  /** Why it is unknown. */
  readonly missing: string;
}

/** A program of this machine that runs without an emulator. */
export interface NativeProgram {
  readonly path: string;
  readonly head: Uint8Array;
}

/** The facts about a machine that determine whether a rule is safe. */
export interface Machine {
  readonly natives: readonly Native[];
  readonly unproven: readonly UnprovenNative[];
  /** The installed programs that match a pattern and run without an emulator. */
  readonly programs: (pattern: Pattern) => readonly NativeProgram[];
  /** Opens a path; returns the errno on failure. */
  readonly open: (path: string) => Executable | Errno;
}
