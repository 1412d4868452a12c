/** What `execute` is asked, and what it answers. */
import type { AnyEntry, Entry } from '../types.ts';

/** A file that may be executed. */
export interface Executable {
  /** The first 256 bytes, or all of it when it is shorter. */
  readonly head: Uint8Array;
  /** Whether the machine itself runs it: an ELF file that binfmt_elf takes. */
  readonly native: boolean;
  /** Path of the program interpreter that a native program asks for (PT_INTERP); null or left out for a static one. */
  readonly programInterpreter?: string | null | undefined;
}

/** What the kernel finds around it. */
export interface Surroundings {
  /** Newest first. */
  readonly entries: readonly AnyEntry[];
  /** Whether the instance is on; where it is off no entry matches. */
  readonly enabled: boolean;
  /** The file at a path, as the caller sees it, or the errno of opening it for execution. */
  readonly open: (path: string) => Executable | Errno;
  /** The file that an entry with F holds, whatever its path has become. */
  readonly held: (entry: Entry) => Executable;
  /** Whether the file is executed by a descriptor that execve closes, so that no interpreter can open its path. */
  readonly closedOnExec?: boolean | undefined;
}

export type Errno = `E${string}`;

/** One step on the way: `path` was given to `interpreter`. */
export interface Rewrite {
  readonly path: string;
  readonly interpreter: string;
  /** Name of the entry that did it; null where it was `#!`. */
  readonly entry: string | null;
  /** Whether it left the arguments as they were (flag T). */
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
   * `format`: nothing takes `path`. `interpreter`: it cannot be opened. `program interpreter`: the one that a native
   * program asks for, or flag L puts in its place, cannot be opened or is none for it. `handed on`: flag O, C or T
   * allows no further interpreter. `loop`: more than five rewrites. `closed`: by the descriptor that goes with execve.
   */
  readonly why: 'format' | 'interpreter' | 'program interpreter' | 'handed on' | 'loop' | 'closed';
  /** The file that it failed at. */
  readonly path: string;
  /** Name of the entry that asked for it, if one did. */
  readonly entry: string | null;
}

/**
 * A BPF program decides, and nobody else can tell (Linux 7.3, type B). Without its entry among the surroundings,
 * `execute` says what happens where it declines every file.
 */
export interface Undecided {
  readonly kind: 'undecided';
  /** The file that it is asked about. */
  readonly path: string;
  readonly entry: string;
  readonly handler: string;
}

/** The program that runs in the end, and what it is handed. */
export interface Run {
  readonly kind: 'runs';
  readonly path: string;
  readonly argv: readonly string[];
  /** Bit 0 of AT_FLAGS: some entry on the way had P, and none T. */
  readonly preservesArgv0: boolean;
  /** Bit 1 of AT_FLAGS: the last entry on the way had T. */
  readonly transparent: boolean;
  /** Path of the file that is open on AT_EXECFD (flag O); null without. */
  readonly open: string | null;
  /** Path of the file whose set-id bits and owner count: the binary with C, else what runs. */
  readonly credentials: string;
  /** Path of the file that /proc/self/exe names: the binary with T, else what runs. */
  readonly exe: string;
  /** What loads it; null for a static program. */
  readonly programInterpreter: ProgramInterpreter | null;
}

export interface ProgramInterpreter {
  readonly path: string;
  /** Name of the entry with L that put it in the place of the program's own; null where it is its own. */
  readonly entry: string | null;
}
