import type { Errno, Executable } from '../rule/execution/types.ts';
import type { MagicPattern, Pattern } from '../rule/types.ts';

/** Programs that run without an emulator. */
export interface Native {
  /** As messages name them: `x86_64 programs`. */
  readonly what: string;
  readonly pattern: MagicPattern;
}

/** Programs that may run without an emulator: no probe could decide it. */
export interface UnprovenNative extends Native {
  /** The missing fact. */
  readonly missing: string;
}

/** A program of this machine that runs without an emulator. */
export interface NativeProgram {
  readonly path: string;
  readonly head: Uint8Array;
}

/** The facts of a machine that decide whether a rule is safe. */
export interface Machine {
  readonly natives: readonly Native[];
  readonly unproven: readonly UnprovenNative[];
  /** The installed programs that match a pattern and run without an emulator. */
  readonly programs: (pattern: Pattern) => readonly NativeProgram[];
  /** The file at a path, or the errno of opening it. */
  readonly open: (path: string) => Executable | Errno;
}
