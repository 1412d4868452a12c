import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import type { IdMaps } from '../system/namespace/id-maps.ts';
import { type MappedOptions, runMapped } from '../system/namespace/mapped.ts';
import type { RunResult } from '../system/process/process.ts';
import { requireTool } from '../system/process/tools.ts';

/** Directories for unpacking a tree; both exist. */
export interface TreePlace {
  readonly tree: string;
  /** An empty directory: mount point of the minimal root. */
  readonly root: string;
  /** ID maps of the tree's files; null for no mapping. */
  readonly maps: IdMaps | null;
}

/** Top-level directories that programs of this machine need. */
const SYSTEM = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'etc', 'nix', 'gnu'];
/** Top-level directories that links of a tree point to: `/var/run` is a link to `/run`. */
const OF_TREE = ['run', 'var', 'tmp', 'home', 'root', 'srv', 'opt', 'mnt', 'media'];
const ESCAPED_STATUS = 97;

/**
 * Creates a root with only the tree and, read-only, the system directories, so that links cannot lead anywhere else. A
 * remount in a user namespace must keep nosuid and nodev (mount_namespaces(7), "Restrictions on mount namespaces").
 * xargs(1) opens /dev/null, for which an empty file suffices.
 */
const SETUP = `
root=$1 tree=$2
shift 2
umask 022
must() { "$@" || exit ${ESCAPED_STATUS}; }
readonly_() { mount -o remount,bind,ro "$1" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev "$1"; }
must mount -t tmpfs -o mode=755 tmpfs "$root"
for each in ${SYSTEM.join(' ')}; do
  if [ -L "/$each" ]; then must cp -P "/$each" "$root/$each"
  elif [ -d "/$each" ]; then
    must mkdir "$root/$each"
    mount --bind "/$each" "$root/$each" 2>/dev/null || must mount --rbind "/$each" "$root/$each"
    must readonly_ "$root/$each"
  fi
done
for each in ${OF_TREE.join(' ')}; do must ln -s "tree/$each" "$root/$each"; done
must mkdir "$root/tree" "$root/dev"
: > "$root/dev/null"
must mount --bind "$tree" "$root/tree"
must readonly_ "$root"
exec chroot "$root" sh -c 'cd /tree && exec "$@"' sh "$@"
`;

/**
 * Runs a program in a tree until it exits. The program can only write to the tree, whatever links the tree contains: it
 * runs in private mount and user namespaces with a minimal root.
 *
 * @param command from `confinedTool`
 * @throws NO_PRIVILEGE if the namespaces cannot be created; errors of `runMapped`.
 */
export async function runConfined(
  { tree, root, maps }: TreePlace,
  command: readonly string[],
  options: MappedOptions,
): Promise<RunResult> {
  const args = ['--mount', 'sh', '-c', SETUP, 'sh', root, tree, ...command];
  const env = { ...options.env, LC_ALL: 'C' };
  const result = await runMapped(maps, 'unshare', args, { ...options, env });
  // Both unshare(1) and the program can exit with 1, so only unshare's message tells them apart.
  const complaint = result.stderr.trim().split('\n')[0] ?? '';
  if (result.exitCode === ESCAPED_STATUS || /^unshare: /.test(complaint))
    throw new BinfmtctlError('NO_PRIVILEGE', `cannot create a mount namespace: ${complaint}`, {
      hint: 'run it as root, or allow this user or container to create user and mount namespaces',
    });
  return result;
}

/** The command that starts a system tool inside the root of `runConfined`. @throws NO_TOOL. */
export function confinedTool(name: string, origin: string): readonly [string, ...string[]] {
  const path = requireTool(name, origin);
  const isSystemPath = (each: string) => SYSTEM.includes(each.split('/')[1] ?? '');
  const real = realpathSync(path);
  if (!isSystemPath(path) && !isSystemPath(real))
    throw new BinfmtctlError('NO_TOOL', `${path} is outside of the system directories`, {
      hint: `install the package ${origin}`,
    });
  if (isSystemPath(path)) return [path];
  const program = basename(real);
  if (program === 'busybox' || program === 'toybox') return [real, name];
  return program === 'coreutils' ? [real, `--coreutils-prog=${name}`] : [real];
}
