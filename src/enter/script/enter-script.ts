import { BINFMT_DIRECTORY } from '../../binfmt/directory.ts';
import type { Rule } from '../../rule/types.ts';
import type { Submount } from '../../system/namespace/mounts.ts';
import {
  AWAIT_PERMISSION,
  EXECUTE,
  fail,
  inNewNamespaces,
  instanceLines,
  OWN_PID,
  registerLines,
  sealLine,
  TEXT_FDS,
} from '../../system/namespace/setup-script.ts';
import { commandLine, quote } from '../../text/shell.ts';
import {
  type EmulatorMount,
  emulatorMounts,
  firstMounts,
  fstab,
  type RootFacts,
  readOnlyMounts,
  secondMounts,
} from '../mounts/root-mounts.ts';
import { type LockTools, lockedLines, moveLine, OWN_MOUNTS } from './lock-script.ts';

export interface EnterPlan {
  /** Absolute path without links. */
  readonly root: string;
  readonly facts: RootFacts;
  readonly newUserNamespace: boolean;
  /** Whether the program runs in the foreground of a terminal. */
  readonly isJob: boolean;
  /** Whether mounts are locked, so that the program can neither leave the root nor undo a read-only mount. */
  readonly isLocked: boolean;
  /** Directories to create in an ephemeral root. */
  readonly madeFirst: readonly string[];
  /** Mount points to create on the new tmpfs mounts. */
  readonly made: { readonly directories: readonly string[]; readonly files: readonly string[] };
  /** Whether root of the namespaces is one of the caller's subordinate IDs. */
  readonly becomesRoot: boolean;
  /** Rules of the private instance; null if existing entries are used. */
  readonly rules: readonly Rule[] | null;
  /** The interpreters of `rules`, with the flags of their mounts. */
  readonly emulators: readonly EmulatorMount[];
  /** A capability that process 1 has and the program lacks. */
  readonly withheld: string;
  /** Whether changes are discarded. */
  readonly ephemeral: boolean;
  /** Those of `nosuid` and `nodev` that the root's mount has. */
  readonly harmless: readonly string[];
  /** Flags of the root's mount and its submounts, for a read-only root; otherwise null. */
  readonly readOnly: { readonly flags: readonly string[]; readonly submounts: readonly Submount[] } | null;
  readonly hostname: string | null;
  /** The account of the program; null for root of the namespaces with all its groups. The exec helper sets the user. */
  readonly account: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] } | null;
  /** Whether to use linux32 of setarch(8), for a 32-bit root without an emulator. */
  readonly personality32: boolean;
  /** The caller's umask in octal. */
  readonly umask: string;
  readonly tools: EnterTools;
}

export interface EnterTools extends LockTools {
  readonly setpriv: string;
  readonly cp: string;
  readonly ln: string;
  readonly mkdir: string;
  readonly hostname: string | null;
  /** ip(8) of iproute2, which enables the loopback device of a new network; null if missing. */
  readonly ip: string | null;
  readonly setarch: string | null;
}

/** A command, and the texts that it reads from descriptors 5 and 6, which must be files (mount(8), `--fstab`). */
export interface EnterCommand {
  readonly command: readonly [string, ...string[]];
  readonly texts: readonly [string, string];
}

const [FIRST, SECOND] = TEXT_FDS;
const LOWER_FD = 9;

/** The command that runs a program in a root, in namespaces that end with the program. */
export function enterCommand(plan: EnterPlan): EnterCommand {
  const { becomesRoot, facts, hostname, tools } = plan;
  const flags = [
    ...(plan.isLocked ? [] : OWN_MOUNTS),
    '--pid',
    '--ipc',
    ...(hostname === null ? [] : ['--uts']),
    ...(facts.newNetwork ? ['--net'] : []),
    ...(plan.isJob ? [] : ['--fork', '--kill-child']),
  ];
  const setup = ['umask 022', ...rootLines(plan), ...mountLines(plan), ...settingLines(plan)];
  const lines = [
    ...(plan.isLocked
      ? lockedLines(setup, programLines(plan), tools)
      : [...setup, moveLine(tools), `( ${programLines(plan).join('\n')} )`]),
    'exit $?',
  ];
  const base = baseOf(plan);
  return {
    command: inNewNamespaces(lines.join('\n'), {
      flags,
      user: plan.newUserNamespace,
      becomesRoot,
      isJob: plan.isJob,
      tools,
    }),
    texts: [
      // Submounts become read-only before other mounts cover some of them.
      fstab([...readOnlyMounts('', plan.readOnly?.submounts ?? []), ...firstMounts(facts)], base) +
        fstab(emulatorMounts(plan.emulators), ''),
      fstab(secondMounts(facts), base),
    ],
  };
}

/** Path of the tree before it becomes `/`. */
const baseOf = ({ root, ephemeral }: EnterPlan): string => (ephemeral ? `${root}/root` : root);

/** Makes the tree a mount, and the current directory. */
function rootLines({ root, ephemeral, harmless, facts, tools }: EnterPlan): readonly string[] {
  const mount = (...words: string[]): string =>
    `${commandLine([tools.mount, '-n', ...words])} || ${fail('root')}`;
  if (!ephemeral) return [mount('--rbind', root, root), `cd ${quote(root)} || ${fail('root')}`];
  // In a user namespace, overlayfs must use attributes that a user may set (overlayfs.rst, "userxattr").
  const marks = [...(facts.userNamespace ? ['userxattr'] : []), ...harmless]
    .map((option) => `,${option}`)
    .join('');
  return [
    // By descriptor, because a colon or comma in the path would end the option.
    `exec ${LOWER_FD}<${quote(root)} || ${fail('root')}`,
    mount('-t', 'tmpfs', '-o', 'mode=755', 'binfmtctl', root),
    `cd ${quote(root)} || ${fail('root')}`,
    `${commandLine([tools.mkdir, 'upper', 'work', 'root'])} || ${fail('root')}`,
    mount(
      '-t',
      'overlay',
      '-o',
      `lowerdir=/proc/self/fd/${LOWER_FD},upperdir=upper,workdir=work${marks}`,
      'binfmtctl',
      `${root}/root`,
    ),
    `cd root || ${fail('root')}`,
    `exec ${LOWER_FD}<&-`,
  ];
}

function mountLines(plan: EnterPlan): readonly string[] {
  const { facts, made, madeFirst, tools } = plan;
  const { dev } = facts.places;
  const all = (descriptor: number): string =>
    `${commandLine([tools.mount, '-n', '--all', '--fstab', `/proc/self/fd/${descriptor}`])} || ${fail('mounts')}`;
  const directories = [...made.directories];
  const files = new Set(made.files);
  const ownDevices = dev !== undefined && !facts.realDevices;
  if (ownDevices) {
    directories.push(`${dev}/pts`, `${dev}/shm`);
    for (const name of facts.nodes) files.add(`${dev}/${name}`);
    if (facts.terminal !== null) files.add(`${dev}/console`);
  }
  const make = (paths: readonly string[]): readonly string[] =>
    paths.length === 0
      ? []
      : [
          `${commandLine([tools.mkdir, '-p', '--', ...paths.map((each) => `./${each}`)])} || ${fail('mounts')}`,
        ];
  return [
    ...make(madeFirst),
    all(FIRST),
    ...make(directories),
    ...fileLines([...files]),
    ...(ownDevices ? linkLines(dev, tools) : []),
    all(SECOND),
    `exec ${FIRST}<&- ${SECOND}<&-`,
  ];
}

/** Creates files with `set -C` (O_EXCL), which neither truncates nor follows links. A failed redirection of `:`, unlike `true`, ends the shell. */
const fileLines = (files: readonly string[]): readonly string[] =>
  files.length === 0
    ? []
    : ['set -C', ...files.map((file) => `true >${quote(`./${file}`)} || ${fail('mounts')}`), 'set +C'];

/** The usual links in /dev, such as /dev/fd, copied from the host. */
const linkLines = (dev: string, { cp, ln }: EnterTools): readonly string[] => [
  `${commandLine([cp, '-P', '/dev/fd', '/dev/stdin', '/dev/stdout', '/dev/stderr', `./${dev}/`])} 2>/dev/null`,
  `${commandLine([ln, '-s', 'pts/ptmx', `./${dev}/ptmx`])} || ${fail('mounts')}`,
];

function settingLines(plan: EnterPlan): readonly string[] {
  const { facts, hostname, readOnly, rules, tools } = plan;
  const { proc } = facts.places;
  const base = baseOf(plan);
  const lines: string[] = [];
  if (rules !== null) {
    const within = `${base}/${proc}${BINFMT_DIRECTORY.slice('/proc'.length)}`;
    // In a root without /proc, the instance is mounted at the host's path, where the root hides it.
    lines.push(
      ...(proc === undefined ? instanceLines(BINFMT_DIRECTORY, rules, tools) : registerLines(within, rules)),
      sealLine(proc === undefined ? BINFMT_DIRECTORY : within, tools),
    );
  }
  if (hostname !== null && tools.hostname !== null)
    lines.push(`${commandLine([tools.hostname, '--', hostname])} || ${fail('namespaces')}`);
  if (facts.newNetwork && tools.ip !== null)
    lines.push(`${commandLine([tools.ip, 'link', 'set', 'lo', 'up'])} 2>/dev/null`);
  if (readOnly !== null) {
    const options = ['remount', 'bind', 'ro', ...readOnly.flags].join(',');
    lines.push(`${commandLine([tools.mount, '-n', '-o', options, base])} || ${fail('root')}`);
  }
  return lines;
}

/** Runs the program. It must not be process 1, which ignores signals without a handler (pid_namespaces(7)). */
function programLines(plan: EnterPlan): readonly string[] {
  const { personality32, tools, umask } = plan;
  const { setarch, setpriv } = tools;
  const words = [
    ...(personality32 && setarch !== null ? [setarch, 'linux32', '--'] : []),
    ...privileges(plan, setpriv),
  ];
  return [
    `${OWN_PID}; echo "ready $pid" >&2`,
    AWAIT_PERMISSION,
    `umask ${umask}`,
    // The helper changes to the root, the working directory and the user.
    ['exec', ...words.map(quote), EXECUTE].join(' '),
  ];
}

/**
 * Sets groups and capabilities. Without CAP_SYS_PTRACE, the program cannot access a process with more capabilities (ptrace(2),
 * "Ptrace access mode checking"), such as the shell that waits for it, whose root is the host's. If the caller lacks
 * CAP_SYS_PTRACE, as in a container, another capability is withheld.
 */
function privileges({ account, newUserNamespace, withheld }: EnterPlan, setpriv: string): readonly string[] {
  const dropped = [...new Set(['sys_ptrace', withheld])].map((name) => `-${name}`).join(',');
  const groups = account?.groups.length ? `--groups=${account.groups.join(',')}` : '--clear-groups';
  return [
    setpriv,
    `--bounding-set=${dropped}`,
    // In a user namespace, the shell kept all of them.
    ...(newUserNamespace ? ['--inh-caps=-all', '--ambient-caps=-all'] : [`--inh-caps=${dropped}`]),
    ...(account === null ? [] : [`--regid=${account.gid}`, groups]),
    '--',
  ];
}
