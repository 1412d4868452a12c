/** What the kernel does when a file is executed: fs/exec.c exec_binprm() over binfmt_misc, scripts and ELF. */
import { HEAD_SIZE } from './check.ts';
import { loaderErrno } from './loader.ts';
import { firstCandidate } from './match.ts';
import { parseShebang } from './shebang.ts';
import { type AnyEntry, type Entry, isBpf } from './types.ts';

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

/** exec_binprm(): the sixth rewrite is one too many. */
const MAX_REWRITES = 5;

/**
 * Follows `file`, executed as `path` with `argv`, through entries and `#!` lines to the program that runs, or to the
 * errno that execve gives. What is judged before any format is asked (permissions, ETXTBSY) is the caller's.
 */
export function execute(
  path: string,
  file: Executable,
  argv: readonly string[],
  surroundings: Surroundings,
): Execution {
  const rewrites: Rewrite[] = [];
  // An empty vector gets an empty first argument (fs/exec.c do_execveat_common()).
  let level: Level = { path, file, argv: argv.length === 0 ? [''] : argv };
  let handed: Handed = { preservesArgv0: false, transparent: false, open: null, credentials: null };
  for (;;) {
    const next = nextLevel(level, surroundings);
    if (next.kind === 'native')
      return { rewrites, outcome: run(level, next.substitute, handed, surroundings) };
    if (next.kind !== 'rewritten') return { rewrites, outcome: next };
    const { entry } = next;
    const flags = entry?.flags ?? [];
    const name = entry?.name ?? null;
    const transparent = flags.includes('T');
    rewrites.push({ path: level.path, interpreter: next.level.path, entry: name, transparent });
    // Only one file can be handed on by descriptor.
    if (handed.open !== null) return { rewrites, outcome: failure('handed on', 'ENOEXEC', level.path, name) };
    if (rewrites.length > MAX_REWRITES) {
      return { rewrites, outcome: failure('loop', 'ELOOP', next.level.path, name) };
    }
    handed = {
      preservesArgv0: handed.preservesArgv0 || flags.includes('P'),
      transparent,
      open: flags.includes('O') ? level.path : null,
      credentials: flags.includes('C') ? level.path : null,
    };
    level = next.level;
  }
}

/** What entries on the way have told the kernel to hand to the program. */
interface Handed {
  readonly preservesArgv0: boolean;
  readonly transparent: boolean;
  readonly open: string | null;
  readonly credentials: string | null;
}

interface Level {
  readonly path: string;
  readonly file: Executable;
  readonly argv: readonly string[];
}

/** What an entry with L has put in the place of a program interpreter. */
interface Substitute {
  readonly entry: Entry;
  readonly file: Executable;
}

type Next =
  | { readonly kind: 'rewritten'; readonly level: Level; readonly entry: Entry | null }
  | { readonly kind: 'native'; readonly substitute: Substitute | null }
  | Undecided
  | Failure;

/** Asks binfmt_misc, then scripts; `native` where neither takes the file. */
function nextLevel(level: Level, surroundings: Surroundings): Next {
  const head = level.file.head.subarray(0, HEAD_SIZE);
  const entry = surroundings.enabled ? firstCandidate(surroundings.entries, head, level.path) : null;
  if (entry !== null && isBpf(entry)) {
    return { kind: 'undecided', path: level.path, entry: entry.name, handler: entry.handler };
  }
  if (entry === null) return throughShebang(level, head, null, surroundings);
  if (!entry.flags.includes('L')) return throughEntry(level, entry, surroundings);
  // load_misc_binary() opens the substitute, and then declines: a script goes the way of scripts.
  const file = interpreterOf(entry, surroundings);
  if (typeof file === 'string') return failure('program interpreter', file, entry.interpreter, entry.name);
  return throughShebang(level, head, { entry, file }, surroundings);
}

function throughEntry({ path, argv }: Level, entry: Entry, surroundings: Surroundings): Next {
  const { interpreter, flags, name } = entry;
  const transparent = flags.includes('T');
  if (surroundings.closedOnExec && !transparent) return failure('closed', 'ENOENT', path, name);
  const file = interpreterOf(entry, surroundings);
  if (typeof file === 'string') return failure('interpreter', file, interpreter, name);
  const rest = flags.includes('P') ? argv : argv.slice(1);
  const handed = transparent ? argv : [interpreter, path, ...rest];
  return { kind: 'rewritten', entry, level: { path: interpreter, file, argv: handed } };
}

const interpreterOf = (entry: Entry, { held, open }: Surroundings): Executable | Errno =>
  entry.flags.includes('F') ? held(entry) : open(entry.interpreter);

function throughShebang(
  { path, argv }: Level,
  head: Uint8Array,
  substitute: Substitute | null,
  { open, closedOnExec }: Surroundings,
): Next {
  const shebang = parseShebang(head);
  if (shebang === null) return { kind: 'native', substitute };
  if (closedOnExec) return failure('closed', 'ENOENT', path, null);
  const { interpreter, argument } = shebang;
  const file = open(interpreter);
  if (typeof file === 'string') return failure('interpreter', file, interpreter, null);
  const own = argument === null ? [interpreter] : [interpreter, argument];
  const level = { path: interpreter, file, argv: [...own, path, ...argv.slice(1)] };
  return { kind: 'rewritten', entry: null, level };
}

/** load_elf_binary(). */
function run(
  { path, file, argv }: Level,
  substitute: Substitute | null,
  handed: Handed,
  { open }: Surroundings,
): Run | Failure {
  if (!file.native) return failure('format', 'ENOEXEC', path, substitute?.entry.name ?? null);
  const own = file.programInterpreter ?? null;
  // A static program has none to substitute.
  const programInterpreter =
    own === null
      ? null
      : { path: substitute?.entry.interpreter ?? own, entry: substitute?.entry.name ?? null };
  if (own !== null && programInterpreter !== null) {
    const loader = substitute?.file ?? open(own);
    const errno = typeof loader === 'string' ? loader : loaderErrno(file.head, loader);
    if (errno !== null) {
      return failure('program interpreter', errno, programInterpreter.path, programInterpreter.entry);
    }
  }
  const { preservesArgv0, transparent, open: opened, credentials } = handed;
  return {
    kind: 'runs',
    path,
    argv,
    // bprm_at_flags(): T says more than P.
    preservesArgv0: preservesArgv0 && !transparent,
    transparent,
    open: opened,
    credentials: credentials ?? path,
    exe: transparent && opened !== null ? opened : path,
    programInterpreter,
  };
}

const failure = (why: Failure['why'], errno: Errno, path: string, entry: string | null): Failure => ({
  kind: 'fails',
  errno,
  why,
  path,
  entry,
});
