import { type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { readLinkage } from '../../elf/linkage.ts';
import { BinfmtctlError } from '../../errors.ts';
import { HEAD_SIZE } from '../../rule/check.ts';
import { parseShebang } from '../../rule/execution/shebang.ts';
import { readHead, tryReadHead } from '../file/head.ts';
import { isExecutable } from '../file/is-file.ts';
import { type Bound, resolveInRoot } from '../file/root-path.ts';

/** Where a program is looked for: on this machine, or in a root file system. */
export interface Whereabouts {
  /** Null for this machine. */
  readonly root: string | null;
  /** Folders, separated by colons. */
  readonly path: string;
  /** The folder to begin in, as it is called there. */
  readonly workdir: string;
  /** What of this machine will be seen in the root. */
  readonly bound?: readonly Bound[] | undefined;
}

/** A program as the kernel will find it, behind all `#!` lines. */
export interface LocatedProgram {
  /** The path to execute, as it is called there: with `#!` lines that of the script. */
  readonly path: string;
  /** As it is called there. */
  readonly name: string;
  /** Where it is on this machine. */
  readonly file: string;
  /** At most its first 256 bytes; none where it cannot be read. */
  readonly head: Uint8Array;
  /** What loads it, as it is called there; null for a static program. */
  readonly loader: string | null;
  /** Whether `#!` lines led to it. */
  readonly isInterpreter: boolean;
  /** What the kernel passes to it before the caller's arguments: its argv[0], and those of `#!` lines with the scripts. */
  readonly leading: readonly string[];
}

/** fs/exec.c exec_binprm(): one more is too many. */
const MAX_SCRIPTS = 5;
/** Holds header, program headers and the loader's name of nearly every program. */
const LINKAGE_SIZE = 4096;

/**
 * Finds a program by its name, as execvp(3) does, and follows `#!` lines to what is executed in the end.
 *
 * @throws PROGRAM_NOT_FOUND, also for the interpreter of a script; PROGRAM_NOT_EXECUTABLE.
 */
export async function findProgram(name: string, where: Whereabouts): Promise<LocatedProgram> {
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
    // fs/binfmt_script.c load_script() replaces argv[0] by these.
    leading = [interpreter, ...(argument === null ? [] : [argument]), called, ...leading.slice(1)];
    called = interpreter;
  }
}

/** Where a path of there is on this machine; null where nothing is there. */
export function locate(path: string, { root, workdir, bound }: Whereabouts): string | null {
  if (root === null) return resolve(workdir, path);
  return resolveInRoot(root, path.startsWith('/') ? path : `${workdir}/${path}`, bound);
}

function searchPath(name: string, where: Whereabouts): string {
  const all = where.path.split(':').map((folder) => `${folder || '.'}/${name}`);
  const present = all.filter((path) => fileAt(path, where)?.isFile());
  const found = present.find((path) => isExecutableIn(path, where)) ?? present[0];
  if (found !== undefined) return found;
  throw new BinfmtctlError('PROGRAM_NOT_FOUND', `no program ${name} is on the PATH${inRoot(where)}`, {
    hint: 'name it by its path, or check PATH',
  });
}

function requireExecutable(path: string, name: string, where: Whereabouts): string {
  const file = locate(path, where);
  const facts = file === null ? null : fileAt(path, where);
  if (file === null || facts === null) {
    throw new BinfmtctlError('PROGRAM_NOT_FOUND', `there is no ${name}${inRoot(where)}`, {
      hint: where.root === null ? undefined : 'paths and links are looked up inside the root',
    });
  }
  if (facts.isFile() && isExecutableIn(path, where)) return file;
  const why = facts.isFile() ? 'is not executable' : facts.isDirectory() ? 'is a folder' : 'is no program';
  throw new BinfmtctlError('PROGRAM_NOT_EXECUTABLE', `${name}${inRoot(where)} ${why}`, {
    hint: facts.isFile() ? undefined : 'name a program',
  });
}

function fileAt(path: string, where: Whereabouts): Stats | null {
  const file = locate(path, where);
  try {
    return file === null ? null : statSync(file);
  } catch {
    return null;
  }
}

/** In a root by its mode: who will be root there may do what we may not. */
function isExecutableIn(path: string, where: Whereabouts): boolean {
  const facts = fileAt(path, where);
  if (facts === null || (facts.mode & 0o111) === 0) return false;
  return where.root !== null || isExecutable(locate(path, where) ?? path);
}

async function loaderOf(file: string, head: Uint8Array): Promise<string | null> {
  const readAt = async (offset: number, length: number): Promise<Uint8Array> =>
    offset + length <= head.length || head.length < LINKAGE_SIZE
      ? head.subarray(offset, offset + length)
      : readHead(file, offset + length).subarray(offset);
  // What is wrong with it the kernel says.
  return readLinkage(readAt).then(
    ({ interpreter }) => interpreter,
    () => null,
  );
}

const inRoot = ({ root }: Whereabouts): string => (root === null ? '' : ` in ${root}`);
