/** What the kernel does when a file is executed: fs/exec.c exec_binprm() over binfmt_misc, scripts and ELF. */
import { HEAD_SIZE } from './check.ts';
import { firstMatch } from './match.ts';
import { parseShebang } from './shebang.ts';
import type { Entry } from './types.ts';

/** A file that may be executed. */
export interface Executable {
  /** The first 256 bytes, or all of it when it is shorter. */
  readonly head: Uint8Array;
  /** Whether the machine itself runs it: an ELF file that binfmt_elf takes. */
  readonly native: boolean;
}

/** What the kernel finds around it. */
export interface Surroundings {
  /** Newest first. */
  readonly entries: readonly Entry[];
  /** Whether the instance is on; where it is off no entry matches. */
  readonly enabled: boolean;
  /** The file at a path, as the caller sees it, or the errno of opening it for execution. */
  readonly open: (path: string) => Executable | Errno;
  /** The file that an entry with F holds, whatever its path has become. */
  readonly held: (entry: Entry) => Executable;
}

export type Errno = `E${string}`;

/** One step on the way: `path` was given to `interpreter`. */
export interface Rewrite {
  readonly path: string;
  readonly interpreter: string;
  /** Name of the entry that did it; null where it was `#!`. */
  readonly entry: string | null;
}

export interface Execution {
  readonly rewrites: readonly Rewrite[];
  readonly outcome: Failure | Run;
}

export interface Failure {
  readonly kind: 'fails';
  readonly errno: Errno;
}

/** The program that runs in the end, and what it is handed. */
export interface Run {
  readonly kind: 'runs';
  readonly path: string;
  readonly argv: readonly string[];
  /** Bit 0 of AT_FLAGS: some entry on the way had P. */
  readonly preservesArgv0: boolean;
  /** Path of the file that is open on AT_EXECFD (flag O); null without. */
  readonly open: string | null;
  /** Path of the file whose set-id bits and owner count: the binary with C, else what runs. */
  readonly credentials: string;
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
  const fail = (errno: Errno): Execution => ({ rewrites, outcome: { kind: 'fails', errno } });
  // An empty vector gets an empty first argument (fs/exec.c do_execveat_common()).
  let level: Level = { path, file, argv: argv.length === 0 ? [''] : argv };
  let open: string | null = null;
  let credentials: string | null = null;
  let preservesArgv0 = false;
  for (;;) {
    const next = rewrite(level, surroundings);
    if (next === null) break;
    if (typeof next === 'string') return fail(next);
    rewrites.push({ path: level.path, interpreter: next.level.path, entry: next.entry?.name ?? null });
    // Only one file can be handed on by descriptor.
    if (open !== null) return fail('ENOEXEC');
    if (rewrites.length > MAX_REWRITES) return fail('ELOOP');
    const flags = next.entry?.flags ?? [];
    if (flags.includes('O')) open = level.path;
    if (flags.includes('C')) credentials = level.path;
    preservesArgv0 ||= flags.includes('P');
    level = next.level;
  }
  if (!level.file.native) return fail('ENOEXEC');
  const run = { path: level.path, argv: level.argv, preservesArgv0, open };
  return { rewrites, outcome: { kind: 'runs', ...run, credentials: credentials ?? level.path } };
}

interface Level {
  readonly path: string;
  readonly file: Executable;
  readonly argv: readonly string[];
}

interface Next {
  readonly level: Level;
  readonly entry: Entry | null;
}

/** The next level; null where neither an entry nor `#!` takes the file. */
function rewrite({ path, file, argv }: Level, surroundings: Surroundings): Next | Errno | null {
  const head = file.head.subarray(0, HEAD_SIZE);
  const entry = surroundings.enabled ? firstMatch(surroundings.entries, head, path) : null;
  if (entry !== null) {
    const { interpreter, flags } = entry;
    const found = flags.includes('F') ? surroundings.held(entry) : surroundings.open(interpreter);
    if (typeof found === 'string') return found;
    const rest = flags.includes('P') ? argv : argv.slice(1);
    return { entry, level: { path: interpreter, file: found, argv: [interpreter, path, ...rest] } };
  }
  const shebang = parseShebang(head);
  if (shebang === null) return null;
  const { interpreter, argument } = shebang;
  const found = surroundings.open(interpreter);
  if (typeof found === 'string') return found;
  const own = argument === null ? [interpreter] : [interpreter, argument];
  return { entry: null, level: { path: interpreter, file: found, argv: [...own, path, ...argv.slice(1)] } };
}
