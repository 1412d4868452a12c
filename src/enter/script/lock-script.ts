/** Locks the mounts of a session, so that the program inside cannot leave its root. */
import {
  AWAIT_PERMISSION,
  fail,
  OWN_PID,
  STDERR_FD,
  TEXT_FDS,
  type Tools,
} from '../../system/namespace/setup-script.ts';
import { commandLine } from '../../text/shell.ts';

export interface LockTools extends Tools {
  /** nsenter(1) of util-linux. */
  readonly nsenter: string;
}

/** Only the setup reads the texts. The program's side closes one of these descriptors and uses the other for the locker's pipe. */
const [UNUSED, PIPE] = TEXT_FDS;
/** A free descriptor, for a copy of standard input. */
const STDIN_FD = 9;

/** Asks the supervisor to let the locker continue. */
const CONTINUE_LOCKER = 'echo lock >&2';

/** Flags of unshare(1) for a mount namespace without propagation. */
export const OWN_MOUNTS = ['--mount', '--propagation', 'private'] as const;

/**
 * Runs the lines `setup` in a new mount namespace, and `lines` in a locked copy of it, which is owned by a temporary user
 * namespace. The kernel locks all mounts that it copies into such a namespace: not even root of the host can unmount,
 * move or uncover them there, or make them writable (mount_namespaces(7), "Restrictions on mount namespaces"). `lines` stay in
 * the current user namespace, and so keep their capabilities.
 *
 * The mount namespace of the setup, whose mounts are not locked, ends before `lines` run: since Linux 6.12, root of a user
 * namespace can find the mount namespaces that it owns (NS_MNT_GET_PREV, fs/nsfs.c). This shell stays in the outer one.
 */
export function lockedLines(
  setup: readonly string[],
  lines: readonly string[],
  tools: LockTools,
): readonly string[] {
  const { nsenter, sh, unshare } = tools;
  const first = [...setup, ...lockerLines(tools)].join('\n');
  const inside = [
    CONTINUE_LOCKER,
    // The pipe closes when the locker and the setup's mount namespace end.
    `! read -r _ <&${PIPE} || exit 125; exec ${PIPE}<&-`,
    ...lines,
  ].join('\n');
  // Not /proc/self: the locker's /proc belongs to the outer PID namespace.
  const at = (place: string): string => `"/proc/$locker/${place}"`;
  const namespace = `--mount=${at('ns/mnt')} --root=${at('root')} --wd=${at('cwd')}`;
  return [
    `exec ${STDIN_FD}<&0`,
    // Output of the tools must not go into the pipe.
    `${commandLine([unshare, ...OWN_MOUNTS, '--', sh, '-c', first])} ${STDERR_FD}>&1 >&2 <&- ${STDIN_FD}<&- | {`,
    `exec ${PIPE}<&0 <&${STDIN_FD} ${STDIN_FD}<&- ${UNUSED}<&-`,
    `read -r locker <&${PIPE} || exit 125`,
    `exec ${commandLine([nsenter])} ${namespace} -- ${commandLine([sh, '-c', inside])}`,
    '}',
  ];
}

/**
 * The locker creates both namespaces and writes its process ID to the pipe. The tree becomes `/` after the user namespace is
 * created and before the mount namespace is: later, the tree would be locked; earlier, the locker's root would differ from that of
 * its mount namespace, and the kernel would refuse the user namespace (user_namespaces(7)).
 */
function lockerLines(tools: LockTools): readonly string[] {
  const { sh, unshare } = tools;
  const copy = [unshare, ...OWN_MOUNTS, '--', sh, '-c'];
  const locker = [
    `${OWN_PID}; echo "$pid"`,
    AWAIT_PERMISSION,
    `exec ${commandLine([...copy, `echo locked; ${AWAIT_PERMISSION}`])}`,
  ].join('\n');
  return [
    `( ${commandLine([unshare, '--user', '--keep-caps', '--', sh, '-c', locker])} & ) | {`,
    `read -r locker || ${fail('lock')}`,
    moveLine(tools),
    CONTINUE_LOCKER,
    `read -r _ || ${fail('lock')}`,
    `echo "$locker" >&${STDERR_FD}`,
    '}',
  ];
}

/** Moves the mount at the shell's current directory to `/`, over the host's root. */
export const moveLine = ({ mount }: Tools): string =>
  `${commandLine([mount, '-n', '--move'])} . / || ${fail('root')}`;
