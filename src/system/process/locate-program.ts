import { type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { readLinkage } from '../../elf/linkage.ts';
import { BinfmtctlError } from '../../errors.ts';
import { HEAD_SIZE } from '../../rule/check.ts';
import { parseShebang } from '../../rule/execution/shebang.ts';
import { readHead, tryReadHead } from '../file/head.ts';
import { isExecutable } from '../file/is-file.ts';
import { type Bound, resolveInRoot } from '../file/root-path.ts';

/** Where to look for a program: on the host, or in a root file system. */
export interface SearchLocation {
  /** Null for the host. */
  readonly root: string | null;
  /** Directories, separated by colons, as in PATH. */
  readonly path: string;
  /** The working directory, inside the root. */
  readonly workdir: string;
  /** Bind mounts in the root. */
  readonly bound?: readonly Bound[] | undefined;
}

/** A program as the kernel finds it, after all `#!` lines. */
export interface LocatedProgram {
  /** The path to execute, inside the root: that of the script if there are `#!` lines. */
  readonly path: string;
  /** Path of the program inside the root. */
  readonly name: string;
  /** Path of the program on the host. */
  readonly file: string;
  /** At most the first 256 bytes; empty if the file cannot be read. */
  readonly head: Uint8Array;
  /** Path of its dynamic loader inside the root; null for a static program. */
  readonly loader: string | null;
  /** Whether it is the interpreter of a script. */
  readonly isInterpreter: boolean;
  /** Arguments that the kernel passes before the caller's: argv[0], and those from `#!` lines with the scripts. */
  readonly leading: readonly string[];
}

/** The kernel's limit of nested scripts (fs/exec.c exec_binprm()). */
const MAX_SCRIPTS = 5;
/** Covers the ELF header, program headers and loader name of nearly every program. */
const LINKAGE_SIZE = 4096;

/**
 * Finds a program by its name, as execvp(3) does, and follows `#!` lines to the program that the kernel executes.
 *
 * @throws PROGRAM_NOT_FOUND, also for the interpreter of a script; PROGRAM_NOT_EXECUTABLE.
 */
export async function findProgram(name: string, where: SearchLocation): Promise<LocatedProgram> {
  const path = name.includes('/') ? name : searchPath(name, where);
  let called = path;
  let leading: readonly string[] = [name];
  for (let scripts = 0; ; scripts++) {
    const file = requireExecutable(
      called,
      scripts === 0 ? name : `${called}, the interpreter of ${name}`,
      where,
    );
    const head = tryReadHead(file, LINKAGE_SIZE) ?? new Uint8Array();
    const shebang = parseShebang(head.subarray(0, HEAD_SIZE));
    if (shebang === null || scripts === MAX_SCRIPTS) {
      return {
        path,
        name: called,
        file,
        head: head.subarray(0, HEAD_SIZE),
        loader: await loaderOf(file, head),
        isInterpreter: scripts > 0,
        leading,
      };
    }
    const { interpreter, argument } = shebang;
    // fs/binfmt_script.c load_script() replaces argv[0] with these.
    leading = [interpreter, ...(argument === null ? [] : [argument]), called, ...leading.slice(1)];
    called = interpreter;
  }
}

/** The host path of a path at the location; null if a root does not contain it. */
export function locate(path: string, { root, workdir, bound }: SearchLocation): string | null {
  if (root === null) return resolve(workdir, path);
  return resolveInRoot(root, path.startsWith('/') ? path : `${workdir}/${path}`, bound);
}

function searchPath(name: string, where: SearchLocation): string {
  const all = where.path.split(':').map((directory) => `${directory || '.'}/${name}`);
  const present = all.filter((path) => fileAt(path, where)?.isFile());
  const found = present.find((path) => isExecutableIn(path, where)) ?? present[0];
  if (found !== undefined) return found;
  throw new BinfmtctlError('PROGRAM_NOT_FOUND', `program ${name} not found in PATH${ofRoot(where)}`, {
    hint: 'pass its path, or check PATH',
  });
}

function requireExecutable(path: string, name: string, where: SearchLocation): string {
  const file = locate(path, where);
  const facts = file === null ? null : fileAt(path, where);
  if (file === null || facts === null) {
    throw new BinfmtctlError('PROGRAM_NOT_FOUND', `program not found: ${name}${inRoot(where)}`, {
      hint: where.root === null ? undefined : 'paths and links are looked up inside the root',
    });
  }
  if (facts.isFile() && isExecutableIn(path, where)) return file;
  const why = facts.isFile()
    ? 'it is not executable'
    : facts.isDirectory()
      ? 'it is a directory'
      : 'it is not a regular file';
  throw new BinfmtctlError('PROGRAM_NOT_EXECUTABLE', `cannot execute ${name}${inRoot(where)}: ${why}`, {
    hint: facts.isFile() ? undefined : 'pass the path of a program',
  });
}

function fileAt(path: string, where: SearchLocation): Stats | null {
  const file = locate(path, where);
  try {
    return file === null ? null : statSync(file);
  } catch {
    return null;
  }
}

/** Whether a file is executable; in a root, by its mode alone, because the program may run as root there. */
function isExecutableIn(path: string, where: SearchLocation): boolean {
  const facts = fileAt(path, where);
  if (facts === null || (facts.mode & 0o111) === 0) return false;
  return where.root !== null || isExecutable(locate(path, where) ?? path);
}

async function loaderOf(file: string, head: Uint8Array): Promise<string | null> {
  const readAt = async (offset: number, length: number): Promise<Uint8Array> =>
    offset + length <= head.length || head.length < LINKAGE_SIZE
      ? head.subarray(offset, offset + length)
      : readHead(file, offset + length).subarray(offset);
  // The kernel reports an invalid program.
  return readLinkage(readAt).then(
    ({ interpreter }) => interpreter,
    () => null,
  );
}

const inRoot = ({ root }: SearchLocation): string => (root === null ? '' : ` in ${root}`);
const ofRoot = ({ root }: SearchLocation): string => (root === null ? '' : ` of ${root}`);
