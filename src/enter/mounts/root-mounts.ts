/** What is mounted in a root before a program runs in it. Pure; fstab(5) is how mount(8) is told. */
import { BINFMT_DIRECTORY } from '../../binfmt/directory.ts';
import type { Submount } from '../../system/namespace/mounts.ts';

export interface RootMount {
  /** What is mounted: a path of the host, or any word for a file system that needs none. */
  readonly source: string;
  /** Below the root, without `/` at its start. */
  readonly target: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** A file or folder of the host that is seen inside. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly directory: boolean;
  /** Of the mount that has the source; a user namespace cannot clear them (mount_namespaces(7)). */
  readonly flags: readonly string[];
  /** What is mounted below the source. */
  readonly submounts: readonly Submount[];
}

/** An interpreter, and the flags of its mount. */
export interface EmulatorMount {
  readonly path: string;
  readonly flags: readonly string[];
}

export interface RootFacts {
  /** Folders of the root that can be mounted on, where they really are in it. */
  readonly places: Readonly<Partial<Record<MountPlace, string>>>;
  /** Not root of the whole machine: in a user namespace, a new one or one that is there, as in a container. */
  readonly userNamespace: boolean;
  /** The host's /dev serves; else only `nodes` of it are there. */
  readonly realDevices: boolean;
  readonly nodes: readonly string[];
  /** A new /proc is refused where parts of the one that is there are hidden, as in a container: then it is that one. */
  readonly procOfHost: boolean;
  /** The binfmt_misc instance inside: of the session's own, or that of the machine where its entries serve. */
  readonly instance: 'private' | 'machine' | null;
  readonly newNetwork: boolean;
  /** Whether group 5, `tty`, exists inside. */
  readonly hasTtyGroup: boolean;
  /** The terminal that the program is given; null where it has none. */
  readonly terminal: string | null;
  /** Only who owns the network namespace may mount /sys anew, and not on one that is there (EBUSY): then it is the host's. */
  readonly sysOfHost: boolean;
  /** Flags of the host's mount of /sys. */
  readonly sysFlags: readonly string[];
  /** What is mounted below the host's /sys, relative to it. */
  readonly sysMounts: readonly string[];
  readonly binds: readonly Bind[];
}

/** Where binfmt_misc is mounted. */

export type MountPlace = 'proc' | 'sys' | 'dev' | 'run' | 'tmp';
export const MOUNT_PLACES: readonly MountPlace[] = ['proc', 'sys', 'dev', 'run', 'tmp'];

/** The nodes that every program may count on, and that do no harm. */
export const SAFE_NODES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const;

const OURS = 'binfmtctl';
const HARMLESS = ['nosuid', 'nodev'];

/** What others are mounted on: folders of memory, /sys, and the host's devices where they may be had. */
export function firstMounts({
  places,
  realDevices,
  sysOfHost,
  sysFlags,
  sysMounts,
}: RootFacts): readonly RootMount[] {
  const { dev, run, sys, tmp } = places;
  const mounts: RootMount[] = [];
  if (dev !== undefined)
    mounts.push(realDevices ? device('/dev', dev) : memory(dev, ['nosuid', 'noexec', 'mode=755', 'size=1m']));
  if (run !== undefined) mounts.push(memory(run, [...HARMLESS, 'mode=755']));
  if (tmp !== undefined) mounts.push(memory(tmp, [...HARMLESS, 'mode=1777']));
  if (sys === undefined) return mounts;
  const options = [...HARMLESS, 'noexec', 'ro'];
  if (!sysOfHost) return [...mounts, { source: OURS, target: sys, type: 'sysfs', options }];
  const flags = ['rbind', ...new Set([...options, ...sysFlags])];
  return [
    ...mounts,
    { source: '/sys', target: sys, type: 'none', options: flags },
    // They come along (mount_namespaces(7)), and only what is uppermost gets read-only: who is root outside could write.
    ...sysMounts.map((each) => memory(`${sys}/${each}`, [...options, 'mode=755', 'size=4k'])),
  ];
}

/** What goes on top of them. */
export function secondMounts(facts: RootFacts): readonly RootMount[] {
  const { places, realDevices, hasTtyGroup, terminal, binds } = facts;
  const { dev } = places;
  const mounts = [...procMounts(facts), ...binds.flatMap(bindMounts)];
  if (dev === undefined) return mounts;
  const nodes = realDevices ? [] : facts.nodes.map((name) => device(`/dev/${name}`, `${dev}/${name}`));
  const group = hasTtyGroup ? ['gid=5'] : [];
  return [
    ...nodes,
    {
      source: OURS,
      target: `${dev}/pts`,
      type: 'devpts',
      options: ['newinstance', 'ptmxmode=0666', 'mode=620', 'nosuid', 'noexec', ...group],
    },
    memory(`${dev}/shm`, [...HARMLESS, 'mode=1777']),
    // The new /dev/pts does not have it; what asks for the name of its terminal looks here, too (ttyname(3)).
    ...(terminal === null ? [] : [device(terminal, `${dev}/console`)]),
    ...mounts,
  ];
}

/** mount(8) skips a bind mount that the tree already has: `ro` comes separately, and takes effect on that one too. */
function bindMounts({ source, target, directory, readOnly, flags, submounts }: Bind): readonly RootMount[] {
  const bound: RootMount = { source, target, type: 'none', options: [directory ? 'rbind' : 'bind'] };
  return readOnly ? [bound, remountReadOnly(target, flags), ...readOnlyMounts(target, submounts)] : [bound];
}

/** The program can reach its emulator by `/proc/self/exe`, and as root it could change the file, but for such a mount. */
export const emulatorMounts = (emulators: readonly EmulatorMount[]): readonly RootMount[] =>
  emulators.flatMap(({ path, flags }) =>
    bindMounts({
      source: path,
      target: path.slice(1),
      readOnly: true,
      directory: false,
      flags,
      submounts: [],
    }),
  );

/** Remounts what is mounted below `directory`: a read-only bind mount leaves its submounts writable (mount(8)). */
export const readOnlyMounts = (directory: string, submounts: readonly Submount[]): readonly RootMount[] =>
  submounts.map(({ path, flags }) =>
    remountReadOnly(directory === '' ? path : `${directory}/${path}`, flags),
  );

const remountReadOnly = (target: string, flags: readonly string[]): RootMount => ({
  // mount(8) also skips a mount with the same source and target: no mount has this source.
  source: 'binfmtctl-remount',
  target,
  type: 'none',
  options: [...new Set(['remount', 'bind', 'ro', ...flags])],
});

function procMounts({ places, procOfHost, instance }: RootFacts): readonly RootMount[] {
  const { proc } = places;
  if (proc === undefined) return [];
  const options = [...HARMLESS, 'noexec'];
  const own: RootMount = procOfHost
    ? { source: '/proc', target: proc, type: 'none', options: ['rbind'] }
    : { source: OURS, target: proc, type: 'proc', options };
  const target = `${proc}${BINFMT_DIRECTORY.slice('/proc'.length)}`;
  if (instance === 'private') return [own, { source: OURS, target, type: 'binfmt_misc', options }];
  if (instance === null || procOfHost) return [own];
  // Packages that find no instance mount one: root's is that of the machine, a user's is empty and hides the machine's.
  return [own, { source: BINFMT_DIRECTORY, target, type: 'none', options: ['bind', 'ro', ...options] }];
}

/** Lines for fstab(5), with targets below `root`. */
export function fstab(mounts: readonly RootMount[], root: string): string {
  const lines = mounts.map(
    ({ source, target, type, options }) =>
      `${[source, `${root}/${target}`, type, options.join(','), '0', '0'].map(field).join(' ')}\n`,
  );
  return lines.join('');
}

const memory = (target: string, options: readonly string[]): RootMount => ({
  source: OURS,
  target,
  type: 'tmpfs',
  options,
});

const device = (source: string, target: string): RootMount => ({
  source,
  target,
  type: 'none',
  options: ['bind'],
});

/** fstab(5): blanks and backslashes as three octal digits. Not `\s`, which has characters of more than one byte. */
const field = (text: string): string =>
  text.replace(
    /[ \t\n\v\f\r\\#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
