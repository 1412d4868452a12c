/** Simulates execve(2): fs/exec.c exec_binprm() with binfmt_misc, scripts and ELF. */
import { HEAD_SIZE } from '../check.ts';
import { firstCandidate } from '../match.ts';
import { type Entry, isBpf } from '../types.ts';
import { loaderErrno } from './loader.ts';
import { parseShebang } from './shebang.ts';
import type {
  Errno,
  Executable,
  Execution,
  Failure,
  Rewrite,
  Run,
  Surroundings,
  Undecided,
} from './types.ts';

/** exec_binprm() fails at the sixth rewrite. */
export const MAX_REWRITES = 5;

/**
 * Follows `file`, executed as `path` with `argv`, through entries and `#!` lines to the program that runs, or to the
 * errno of execve. The caller handles errors that precede the search for a format (permissions, ETXTBSY).
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
    // Only one file can be passed by descriptor.
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

/** What the entries so far pass to the program. */
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

/** The program interpreter that an entry with L substitutes. */
interface Substitute {
  readonly entry: Entry;
  readonly file: Executable;
}

type NextLevel =
  | { readonly kind: 'rewritten'; readonly level: Level; readonly entry: Entry | null }
  | { readonly kind: 'native'; readonly substitute: Substitute | null }
  | Undecided
  | Failure;

/** Tries binfmt_misc, then scripts; `native` if neither matches. */
function nextLevel(level: Level, surroundings: Surroundings): NextLevel {
  const head = level.file.head.subarray(0, HEAD_SIZE);
  const entry = surroundings.enabled ? firstCandidate(surroundings.entries, head, level.path) : null;
  if (entry !== null && isBpf(entry)) {
    return { kind: 'undecided', path: level.path, entry: entry.name, handler: entry.handler };
  }
  if (entry === null) return throughShebang(level, head, null, surroundings);
  if (!entry.flags.includes('L')) return throughEntry(level, entry, surroundings);
  // load_misc_binary() opens the substitute, then declines, so scripts are still handled as scripts.
  const file = interpreterOf(entry, surroundings);
  if (typeof file === 'string') return failure('program interpreter', file, entry.interpreter, entry.name);
  return throughShebang(level, head, { entry, file }, surroundings);
}

function throughEntry({ path, argv }: Level, entry: Entry, surroundings: Surroundings): NextLevel {
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
): NextLevel {
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
  // A static program has no program interpreter to substitute.
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
    // bprm_at_flags(): T overrides P.
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
