/** The mounts of a root, written as fstab(5) for mount(8). */
import { BINFMT_DIRECTORY } from '../../binfmt/directory.ts';
import type { Submount } from '../../system/namespace/mounts.ts';

export interface RootMount {
  /** A path on the host, or any word for a file system without a source. */
  readonly source: string;
  /** Path relative to the root. */
  readonly target: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** A bind mount of a file or directory of the host. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly directory: boolean;
  /** Flags of the mount that contains the source; a user namespace cannot clear them (mount_namespaces(7)). */
  readonly flags: readonly string[];
  /** Mounts below the source. */
  readonly submounts: readonly Submount[];
}

/** An interpreter, and the flags of its mount. */
export interface EmulatorMount {
  readonly path: string;
  readonly flags: readonly string[];
}

export interface RootFacts {
  /** Mount points in the root, with links resolved. */
  readonly places: Readonly<Partial<Record<MountPlace, string>>>;
  /** Whether the session is in a user namespace: a new one, or an existing one as in a container. */
  readonly userNamespace: boolean;
  /** Whether the whole /dev of the host is mounted; otherwise only `nodes`. */
  readonly realDevices: boolean;
  readonly nodes: readonly string[];
  /** Whether the host's /proc is mounted: the kernel refuses a new one if parts of the existing one are hidden, as in a container. */
  readonly procOfHost: boolean;
  /** The binfmt_misc instance inside: private, or the machine's; null for none. */
  readonly instance: 'private' | 'machine' | null;
  readonly newNetwork: boolean;
  /** Whether group 5, `tty`, exists inside. */
  readonly hasTtyGroup: boolean;
  /** The program's terminal; null if it has none. */
  readonly terminal: string | null;
  /** Whether the host's /sys is mounted: a new one requires the network namespace's owner, and fails on an existing one (EBUSY). */
  readonly sysOfHost: boolean;
  /** Flags of the host's mount of /sys. */
  readonly sysFlags: readonly string[];
  /** Mount points below the host's /sys, relative to it. */
  readonly sysMounts: readonly string[];
  readonly binds: readonly Bind[];
}

export type MountPlace = 'proc' | 'sys' | 'dev' | 'run' | 'tmp';
export const MOUNT_PLACES: readonly MountPlace[] = ['proc', 'sys', 'dev', 'run', 'tmp'];

/** Harmless device nodes that every program may rely on. */
export const SAFE_NODES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const;

const OURS = 'binfmtctl';
const HARMLESS = ['nosuid', 'nodev'];

/** The mounts that other mounts are placed on: tmpfs, /sys, and the host's devices if permitted. */
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
    // rbind includes the submounts (mount_namespaces(7)), and `ro` does not apply to them, so root could write to them: they are covered.
    ...sysMounts.map((each) => memory(`${sys}/${each}`, [...options, 'mode=755', 'size=4k'])),
  ];
}

/** The mounts on top of the first ones. */
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
    // The new /dev/pts lacks the terminal; ttyname(3) also searches here.
    ...(terminal === null ? [] : [device(terminal, `${dev}/console`)]),
    ...mounts,
  ];
}

/** mount(8) skips a bind mount that already exists in the tree. A separate remount makes that one read-only, too. */
function bindMounts({ source, target, directory, readOnly, flags, submounts }: Bind): readonly RootMount[] {
  const bound: RootMount = { source, target, type: 'none', options: [directory ? 'rbind' : 'bind'] };
  return readOnly ? [bound, remountReadOnly(target, flags), ...readOnlyMounts(target, submounts)] : [bound];
}

/** Read-only mounts of the emulators: root inside could otherwise change the emulator through `/proc/self/exe`. */
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

/** Makes mounts below `directory` read-only: a read-only bind mount leaves its submounts writable (mount(8)). */
export const readOnlyMounts = (directory: string, submounts: readonly Submount[]): readonly RootMount[] =>
  submounts.map(({ path, flags }) =>
    remountReadOnly(directory === '' ? path : `${directory}/${path}`, flags),
  );

const remountReadOnly = (target: string, flags: readonly string[]): RootMount => ({
  // A unique source, because mount(8) also skips a mount with an existing source and target.
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
  // Packages that find no instance mount one: for root that of the machine, for a user an empty one that hides the machine's.
  return [own, { source: BINFMT_DIRECTORY, target, type: 'none', options: ['bind', 'ro', ...options] }];
}

/** The mounts as fstab(5), with targets below `root`. */
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

/** Escapes blanks and backslashes as three octal digits (fstab(5)). Not `\s`, which includes multi-byte characters. */
const field = (text: string): string =>
  text.replace(
    /[ \t\n\v\f\r\\#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
