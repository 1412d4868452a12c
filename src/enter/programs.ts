/** What programs a root has, and for which machine. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { isElf } from '../elf/header.ts';
import { BinfmtctlError } from '../errors.ts';
import { matches } from '../rule/match.ts';
import type { Rule } from '../rule/types.ts';
import { fileError } from '../system/file/file-error.ts';
import { resolveInRoot } from '../system/file/root-path.ts';
import type { Variables } from '../system/process/environment.ts';
import { findProgram, type LocatedProgram, type SearchLocation } from '../system/process/locate-program.ts';

/** What is entered, and what it cannot do without. */
export interface RootPrograms {
  readonly program: LocatedProgram;
  /** The first bytes of the program, its loader, the root's shell and that one's loader. */
  readonly heads: readonly Uint8Array[];
}

/** A folder that can be a root, without links. @throws BAD_ROOT, FILE_FAILED, NO_PRIVILEGE. */
export function requireRoot(path: string): string {
  try {
    const root = realpathSync(path);
    if (!statSync(root).isDirectory()) throw notRoot(path, 'is not a folder');
    if (root === '/')
      throw notRoot(path, 'is the root of this machine', 'for its programs there is `binfmtctl run`');
    if (readdirSync(root).length === 0) throw notRoot(path, 'is an empty folder');
    return root;
  } catch (error) {
    throw fileError(error, `enter ${path}`);
  }
}

/**
 * Finds the program, and what tells for which machines the root is: the files themselves, not their names.
 *
 * @throws PROGRAM_NOT_FOUND, PROGRAM_NOT_EXECUTABLE; BAD_ROOT where there is no shell and no program is named.
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
    throw new BinfmtctlError('BAD_ROOT', `${where.root} has no shell /bin/sh`, {
      hint: 'is it a root file system? Name a program of it: `binfmtctl enter ROOTFS -- PROGRAM`',
    });
  }
  const loaders = await Promise.all([program, sh].map((each) => (each?.loader ? find(each.loader) : null)));
  const all = [program, sh, ...loaders].filter((each) => each !== null);
  return { program, heads: all.map(({ head }) => head).filter(isElf) };
}

/**
 * Makes sure that QEMU finds the loader of a program in its root, as QEMU's own message does not tell what is missing. Box64 has a
 * loader of its own, and a variable may name another tree. @throws PROGRAM_NOT_FOUND.
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

/** Directories in which QEMU also looks for loaders, as upstream and Debian configure it. */
const PREFIXES = ['/etc/qemu-binfmt', '/usr/gnemul'];

const notRoot = (path: string, why: string, hint = NAME_ONE): BinfmtctlError =>
  new BinfmtctlError('BAD_ROOT', `${path} cannot be entered: it ${why}`, { hint });

const NAME_ONE =
  'name the folder of a root file system, a tar archive of one, an OCI layout or an archive of images';
