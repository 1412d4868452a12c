import { readFileSync, statfsSync, statSync } from 'node:fs';
import { run } from '../process/process.ts';

/** A mount below a directory. */
export interface Submount {
  /** Relative to the directory. */
  readonly path: string;
  readonly flags: readonly string[];
}

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  readonly id: string;
  /** ID of the parent mount. */
  readonly parent: string;
  readonly mountPoint: string;
  readonly type: string;
  /** The device, or another name given to mount(2). */
  readonly source: string;
  /** `MAJOR:MINOR`; the same for all mounts of one file system. */
  readonly device: string;
  /** Options of the mount and of its file system: `ro`, `noexec`, `nosuid`… */
  readonly options: readonly string[];
}

/** The mounts in this process's namespace, later ones above earlier ones; empty without /proc. */
export function readMounts(): readonly Mount[] {
  try {
    return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return [];
  }
}

/** Parses mountinfo; skips invalid lines. */
export function parseMountInfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [id = '', parent = '', device, , mountPoint, options] = left.split(' ');
    const [type = '', source = '', superOptions = ''] = right.split(' ');
    if (device === undefined || mountPoint === undefined || options === undefined || type === '') return [];
    const all = [...options.split(','), ...superOptions.split(',')].filter((each) => each !== '');
    return [
      {
        id,
        parent,
        mountPoint: unescaped(mountPoint),
        type: unescaped(type),
        source: unescaped(source),
        device,
        options: [...new Set(all)],
      },
    ];
  });
}

/** The magic number of the file system that contains `path` (statfs(2)); null if the path does not exist. Triggers automounts. */
export function fileSystemMagic(path: string): number | null {
  try {
    return statfsSync(path).type;
  } catch {
    return null;
  }
}

/** Mount flags that a bind mount in a user namespace must keep: they are locked there (mount_namespaces(7)). */
const LOCKED = ['nosuid', 'nodev', 'noexec', 'ro'];

/** The flags `nosuid`, `nodev`, `noexec` and `ro` of the mount that contains `path`, which is absolute and has no links. */
export function flagsAt(path: string): readonly string[] {
  return lockedFlags(mountAt(path, readMounts()));
}

/** Whether the mount at `/` contains `path`, rather than another mount. `path` is absolute and has no links. */
export const isOnRootMount = (path: string): boolean => mountAt(path, readMounts())?.mountPoint === '/';

const lockedFlags = (mount: Mount | undefined): readonly string[] =>
  LOCKED.filter((flag) => mount?.options.includes(flag));

/** All reachable mounts below a directory. Others are hidden by mounts above them, and locked mounts cannot be uncovered. */
export function submountsOf(directory: string, mounts: readonly Mount[] = readMounts()): readonly Submount[] {
  const start = directory.endsWith('/') ? directory : `${directory}/`;
  return mounts
    .filter(({ mountPoint }) => mountPoint.length > start.length && mountPoint.startsWith(start))
    .filter((mount) => mountAt(mount.mountPoint, mounts) === mount)
    .map((mount) => ({ path: mount.mountPoint.slice(start.length), flags: lockedFlags(mount) }));
}

/** The mount that contains `path`, found like the kernel does: from each mount to the first mount on top of it. */
function mountAt(path: string, mounts: readonly Mount[]): Mount | undefined {
  const ids = new Set(mounts.map(({ id }) => id));
  const above = mounts
    .filter(({ mountPoint }) =>
      `${path}/`.startsWith(mountPoint.endsWith('/') ? mountPoint : `${mountPoint}/`),
    )
    .toSorted((a, b) => a.mountPoint.length - b.mountPoint.length);
  const next = (at: Mount): Mount | undefined => above.find((each) => each.parent === at.id && each !== at);
  let at = above.find(({ id, parent }) => parent === id || !ids.has(parent));
  for (let on = at; on !== undefined; on = next(on)) at = on;
  return at;
}

/** The directories below `path` that are mount points, relative to it; only the uppermost of nested ones. */
export function mountsBelow(path: string): readonly string[] {
  const points = readMounts()
    .map(({ mountPoint }) => mountPoint)
    .filter((point) => point.startsWith(`${path}/`));
  const uppermost = points.filter((point) => !points.some((other) => point.startsWith(`${other}/`)));
  const directories = uppermost.filter((point) => statSync(point, { throwIfNoEntry: false })?.isDirectory());
  return [...new Set(directories)].map((point) => point.slice(path.length + 1));
}

/** Mounts a file system with mount(8). Returns the reason of a failure, otherwise null. */
export async function mount(
  type: string,
  directory: string,
  options: readonly string[] = [],
): Promise<string | null> {
  const how = options.length === 0 ? [] : ['-o', options.join(',')];
  return failureOf('mount', ['-t', type, ...how, type, directory]);
}

/** Unmounts the topmost mount of a directory with umount(8). Returns the reason of a failure, otherwise null. */
export async function unmount(directory: string): Promise<string | null> {
  return failureOf('umount', [directory]);
}

async function failureOf(file: string, args: readonly string[]): Promise<string | null> {
  const { exitCode, stderr, errno } = await run(file, args, { env: { LC_ALL: 'C' }, timeoutMs: 30_000 });
  if (exitCode === 0) return null;
  if (errno !== null) return `${file} cannot be started (${errno})`;
  return stderr.trim().split('\n')[0] || `${file} ended with status ${exitCode}`;
}

/** The kernel escapes space, tab, newline, backslash and # as three octal digits (fs/proc_namespace.c mangle()). */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
