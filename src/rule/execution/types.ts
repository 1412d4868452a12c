/** Input and result of `execute`. */
import type { AnyEntry, Entry } from '../types.ts';

/** A file that may be executed. */
export interface Executable {
  /** The first 256 bytes, or the whole file if it is shorter. */
  readonly head: Uint8Array;
  /** True for an ELF file that binfmt_elf loads. */
  readonly native: boolean;
  /** Path of a native program's program interpreter (PT_INTERP); null or undefined for a static program. */
  readonly programInterpreter?: string | null | undefined;
}

/** The state of the kernel and the file system. */
export interface Surroundings {
  /** Newest first. */
  readonly entries: readonly AnyEntry[];
  /** True if the instance is enabled; otherwise no entry matches. */
  readonly enabled: boolean;
  /** Opens a path for execution, as the caller sees it. */
  readonly open: (path: string) => Executable | Errno;
  /** The file that an entry with F holds, even if its path has changed. */
  readonly held: (entry: Entry) => Executable;
  /** True if the file is executed by a close-on-exec descriptor, whose path interpreters cannot open. */
  readonly closedOnExec?: boolean | undefined;
}

export type Errno = `E${string}`;

/** A step of the execution: `path` was passed to `interpreter`. */
export interface Rewrite {
  readonly path: string;
  readonly interpreter: string;
  /** Name of the entry; null for `#!`. */
  readonly entry: string | null;
  /** True if the arguments stay unchanged (flag T). */
  readonly transparent: boolean;
}

export interface Execution {
  readonly rewrites: readonly Rewrite[];
  readonly outcome: Failure | Undecided | Run;
}

export interface Failure {
  readonly kind: 'fails';
  readonly errno: Errno;
  /**
   * `format`: no format matches `path`. `interpreter`: it cannot be opened. `program interpreter`: that of a native
   * program, or its substitute by flag L, cannot be opened or is unsuitable. `handed on`: flag O, C or T allows no
   * further interpreter. `loop`: more than five rewrites. `closed`: the descriptor is close-on-exec.
   */
  readonly why: 'format' | 'interpreter' | 'program interpreter' | 'handed on' | 'loop' | 'closed';
  /** The file that it failed at. */
  readonly path: string;
  /** Name of the entry that uses this file; null if none does. */
  readonly entry: string | null;
}

/**
 * A BPF program decides (Linux 7.3, type B), which cannot be predicted. Without its entry among the surroundings,
 * `execute` returns what happens if the program declines every file.
 */
export interface Undecided {
  readonly kind: 'undecided';
  /** The file that the program decides about. */
  readonly path: string;
  readonly entry: string;
  readonly handler: string;
}

/** The program that finally runs, and what it receives. */
export interface Run {
  readonly kind: 'runs';
  readonly path: string;
  readonly argv: readonly string[];
  /** Bit 0 of AT_FLAGS: an entry had P, and none had T. */
  readonly preservesArgv0: boolean;
  /** Bit 1 of AT_FLAGS: the last entry had T. */
  readonly transparent: boolean;
  /** Path of the file open on AT_EXECFD (flag O); null without O. */
  readonly open: string | null;
  /** Path of the file whose set-ID bits and owner apply: the binary with C, otherwise the program that runs. */
  readonly credentials: string;
  /** Path in /proc/self/exe: the binary with T, otherwise the program that runs. */
  readonly exe: string;
  /** Its program interpreter; null for a static program. */
  readonly programInterpreter: ProgramInterpreter | null;
}

export interface ProgramInterpreter {
  readonly path: string;
  /** Name of the entry with L that substituted it; null if it is the program's own. */
  readonly entry: string | null;
}
