/** Locks the mounts of a session, so that the program inside cannot leave its root. Pure. */
import { AWAIT_LEAVE, fail, OWN_PID, STDERR, type Tools } from './setup-script.ts';
import { commandLine } from './shell.ts';

export interface LockTools extends Tools {
  /** Of util-linux. */
  readonly nsenter: string;
}

/** Free descriptors: a copy of standard input, and the pipe from the locker. */
const STDIN = 5;
const PIPE = 6;

const AWAIT_LOCKER = `read -r locker <&${PIPE} || ${fail('lock')}`;
/** Asks the supervisor to let the locker go on. */
const CONTINUE_LOCKER = 'echo lock >&2';

/**
 * Runs `lines` in a mount namespace that a throw-away user namespace owns. The kernel locks all mounts that it copies into
 * such a namespace: not even root of the machine can unmount, move or uncover one there, or make it writable
 * (mount_namespaces(7), "Restrictions on mount namespaces"). The lines themselves stay in the user namespace that they are
 * in, and so keep their capabilities.
 *
 * The locker makes both namespaces. The tree becomes `/` in between: later it would be locked itself, and earlier the
 * locker's root would not be that of its mount namespace, so that it could make no user namespace (user_namespaces(7)).
 */
export function lockedLines(lines: readonly string[], tools: LockTools): readonly string[] {
  const { nsenter, sh, unshare } = tools;
  const copy = [unshare, '--mount', '--propagation', 'private', '--', sh, '-c'];
  const locker = [
    `${OWN_PID}; echo "$pid"`,
    AWAIT_LEAVE,
    `exec ${commandLine([...copy, `echo locked; ${AWAIT_LEAVE}`])}`,
  ].join('\n');
  const inside = [
    CONTINUE_LOCKER,
    // The end of the pipe is the end of the locker, which has the machine's root.
    `! read -r _ <&${PIPE} || exit 125; exec ${PIPE}<&-`,
    ...lines,
  ].join('\n');
  // Its own /proc/self, as the locker has it, is of the process namespace outside.
  const namespace = `--mount="/proc/$locker/ns/mnt" --root=/ --wd="/proc/$locker/cwd"`;
  return [
    `exec ${STDIN}<&0`,
    `( ${commandLine([unshare, '--user', '--keep-caps', '--', sh, '-c', locker])} <&- ${STDIN}<&- ${STDERR}>&- & ) | {`,
    `exec ${PIPE}<&0 <&${STDIN} ${STDIN}<&-`,
    AWAIT_LOCKER,
    moveLine(tools),
    CONTINUE_LOCKER,
    `read -r _ <&${PIPE} || ${fail('lock')}`,
    `exec ${commandLine([nsenter])} ${namespace} -- ${commandLine([sh, '-c', inside])}`,
    '}',
  ];
}

/** Makes the folder that the shell is in the root of the mount namespace, above that of the machine. */
export const moveLine = ({ mount }: Tools): string =>
  `${commandLine([mount, '-n', '--move'])} . / || ${fail('root')}`;
