import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import type { IdMaps } from '../system/namespace/id-maps.ts';
import { type MappedOptions, runMapped } from '../system/namespace/mapped.ts';
import type { RunResult } from '../system/process/process.ts';
import { requireTool } from '../system/process/tools.ts';

/** Where a tree is made: folders that exist. */
export interface TreePlace {
  readonly tree: string;
  /** An empty folder, on which a root of a few folders is mounted. */
  readonly root: string;
  /** To whom the tree's files belong; null: nothing is mapped. */
  readonly maps: IdMaps | null;
}

/** Top folders that programs of this machine need. */
const SYSTEM = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'etc', 'nix', 'gnu'];
/** Top folders to which links of a tree lead: `/var/run` is one to `/run`. */
const OF_TREE = ['run', 'var', 'tmp', 'home', 'root', 'srv', 'opt', 'mnt', 'media'];
const ESCAPED_STATUS = 97;

/**
 * The root has the folders of the system, which cannot be written to, and the tree: nothing else is there for a link to
 * lead to. A mount in a user namespace cannot lose the nosuid and nodev that it has (mount_namespaces(7), "Restrictions
 * on mount namespaces"). xargs(1) gives its program /dev/null to read, which may as well be a file.
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
 * Runs a program to its end whose working directory is a tree, and for which nothing but that can be written to, whatever
 * links the tree has: in mount and user namespaces of its own, with a root that has nothing else.
 *
 * @param command from `confinedTool`
 * @throws NO_PRIVILEGE where there can be no such namespaces; what `runMapped` throws.
 */
export async function runConfined(
  { tree, root, maps }: TreePlace,
  command: readonly string[],
  options: MappedOptions,
): Promise<RunResult> {
  const args = ['--mount', 'sh', '-c', SETUP, 'sh', root, tree, ...command];
  const env = { ...options.env, LC_ALL: 'C' };
  const result = await runMapped(maps, 'unshare', args, { ...options, env });
  // unshare(1) itself ends with 1, and so may the program: but that runs only where there is such a namespace.
  const complaint = result.stderr.trim().split('\n')[0] ?? '';
  if (result.exitCode === ESCAPED_STATUS || /^unshare: /.test(complaint))
    throw new BinfmtctlError('NO_PRIVILEGE', `cannot make a mount namespace: ${complaint}`, {
      hint: 'may this user, or this container, mount anything?',
    });
  return result;
}

/** The command that starts a tool of the system where there is only what `runConfined` leaves. NO_TOOL. */
export function confinedTool(name: string, origin: string): readonly [string, ...string[]] {
  const path = requireTool(name, origin);
  const isSystemPath = (each: string) => SYSTEM.includes(each.split('/')[1] ?? '');
  const real = realpathSync(path);
  if (!isSystemPath(path) && !isSystemPath(real))
    throw new BinfmtctlError('NO_TOOL', `${path} is not where programs of the system are`, {
      hint: `install ${origin} below /usr`,
    });
  if (isSystemPath(path)) return [path];
  const program = basename(real);
  if (program === 'busybox' || program === 'toybox') return [real, name];
  return program === 'coreutils' ? [real, `--coreutils-prog=${name}`] : [real];
}
