/** Locks the mounts of a session, so that the program inside cannot leave its root. Pure. */
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
  /** Of util-linux. */
  readonly nsenter: string;
}

/** Only the set-up reads the texts: the program's side closes one descriptor and has the locker's pipe as the other. */
const [UNUSED, PIPE] = TEXT_FDS;
/** A free descriptor, for a copy of standard input. */
const STDIN_FD = 9;

/** Asks the supervisor to let the locker go on. */
const CONTINUE_LOCKER = 'echo lock >&2';

/** Flags of unshare(1) for a mount namespace in which nothing changes with the one outside. */
export const OWN_MOUNTS = ['--mount', '--propagation', 'private'] as const;

/**
 * Runs the lines `setup` in a mount namespace of their own, and `lines` in a locked copy of it, which a throw-away user
 * namespace owns. The kernel locks all mounts that it copies into such a namespace: not even root of the machine can unmount,
 * move or uncover one there, or make it writable (mount_namespaces(7), "Restrictions on mount namespaces"). The lines stay in
 * the user namespace that they are in, and so keep their capabilities.
 *
 * The mount namespace of the set-up, in which nothing is locked, ends before `lines` run: since Linux 6.12 root of a user
 * namespace can find the mount namespaces that it owns (NS_MNT_GET_PREV, fs/nsfs.c). This shell stays in the one outside.
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
    // The pipe ends with the locker and with the mount namespace of the set-up.
    `! read -r _ <&${PIPE} || exit 125; exec ${PIPE}<&-`,
    ...lines,
  ].join('\n');
  // Its own /proc/self, as the locker has it, is of the process namespace outside.
  const at = (place: string): string => `"/proc/$locker/${place}"`;
  const namespace = `--mount=${at('ns/mnt')} --root=${at('root')} --wd=${at('cwd')}`;
  return [
    `exec ${STDIN_FD}<&0`,
    // What the tools print does not go into the pipe.
    `${commandLine([unshare, ...OWN_MOUNTS, '--', sh, '-c', first])} ${STDERR_FD}>&1 >&2 <&- ${STDIN_FD}<&- | {`,
    `exec ${PIPE}<&0 <&${STDIN_FD} ${STDIN_FD}<&- ${UNUSED}<&-`,
    `read -r locker <&${PIPE} || exit 125`,
    `exec ${commandLine([nsenter])} ${namespace} -- ${commandLine([sh, '-c', inside])}`,
    '}',
  ];
}

/**
 * The locker makes both namespaces, and its process id goes into the pipe. The tree becomes `/` in between: later it would be
 * locked itself, and earlier the locker's root would not be that of its mount namespace, so that it could make no user
 * namespace (user_namespaces(7)).
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

/** Makes the folder that the shell is in the root of the mount namespace, above that of the machine. */
export const moveLine = ({ mount }: Tools): string =>
  `${commandLine([mount, '-n', '--move'])} . / || ${fail('root')}`;
