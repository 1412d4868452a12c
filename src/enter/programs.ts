/** Finds the programs of a root, which show its architecture. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { isElf } from '../elf/header.ts';
import { BinfmtctlError } from '../errors.ts';
import { matches } from '../rule/match.ts';
import type { Rule } from '../rule/types.ts';
import { fileError } from '../system/file/file-error.ts';
import { resolveInRoot } from '../system/file/root-path.ts';
import type { Variables } from '../system/process/environment.ts';
import { findProgram, type LocatedProgram, type SearchLocation } from '../system/process/locate-program.ts';

/** The program to run, and the programs that it depends on. */
export interface RootPrograms {
  readonly program: LocatedProgram;
  /** The first bytes of the program, the root's shell, and their loaders. */
  readonly heads: readonly Uint8Array[];
}

/** The path of a root without links. @throws BAD_ROOT, FILE_FAILED, NO_PRIVILEGE. */
export function requireRoot(path: string): string {
  try {
    const root = realpathSync(path);
    if (!statSync(root).isDirectory()) throw notRoot(path, 'is not a directory');
    if (root === '/')
      throw notRoot(path, 'is the root of this machine', 'use `binfmtctl run` for programs of this machine');
    if (readdirSync(root).length === 0) throw notRoot(path, 'is an empty directory');
    return root;
  } catch (error) {
    throw fileError(error, `enter ${path}`);
  }
}

/**
 * Finds the program and the files that show the root's architectures by their contents, not their names.
 *
 * @throws PROGRAM_NOT_FOUND, PROGRAM_NOT_EXECUTABLE; BAD_ROOT if no program is named and the root has no shell.
 */
export async function findPrograms(
  name: string | null,
  shell: string,
  where: SearchLocation & { readonly root: string },
): Promise<RootPrograms> {
  const find = (path: string): Promise<LocatedProgram | null> => findProgram(path, where).catch(() => null);
  const sh = await find('/bin/sh');
  const program =
    name === null ? ((shell === '' ? null : await find(shell)) ?? sh) : await findProgram(name, where);
  if (program === null) {
    throw new BinfmtctlError('BAD_ROOT', `no shell /bin/sh in ${where.root}`, {
      hint: 'check that it is a root file system, or pass a program: `binfmtctl enter ROOTFS -- PROGRAM`',
    });
  }
  const loaders = await Promise.all([program, sh].map((each) => (each?.loader ? find(each.loader) : null)));
  const all = [program, sh, ...loaders].filter((each) => each !== null);
  return { program, heads: all.map(({ head }) => head).filter(isElf) };
}

/**
 * Checks that QEMU finds the loader of a program in its root, because QEMU's message does not name the missing file. Box64 contains its
 * own loader, and a variable may name another tree. @throws PROGRAM_NOT_FOUND.
 */
export function requireLoader(
  { path, loader, head }: LocatedProgram,
  { root, bound }: SearchLocation & { readonly root: string },
  rules: readonly Rule[],
  environment: Variables,
): void {
  const rule = rules.find(({ pattern }) => matches(pattern, head, path));
  if (loader === null || !rule?.name.startsWith('qemu-') || environment.has('QEMU_LD_PREFIX')) return;
  const exists = (inside: string): boolean => resolveInRoot(root, inside, bound) !== null;
  if (exists(loader) || PREFIXES.some(exists)) return;
  throw new BinfmtctlError(
    'PROGRAM_NOT_FOUND',
    `cannot execute ${path}: ${root} lacks its loader ${loader}`,
    {
      hint: 'install the C library for the architecture of the program in the root, or use a static program',
    },
  );
}

/** Directories that QEMU also searches for loaders, as configured upstream and by Debian. */
const PREFIXES = ['/etc/qemu-binfmt', '/usr/gnemul'];

const notRoot = (path: string, why: string, hint = NAME_ONE): BinfmtctlError =>
  new BinfmtctlError('BAD_ROOT', `cannot enter ${path}: it ${why}`, { hint });

const NAME_ONE =
  'pass a root file system: a directory, a tar archive, a disk image, an OCI layout or an image archive';
