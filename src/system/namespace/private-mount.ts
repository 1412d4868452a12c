/** Reruns binfmtctl in a mount namespace with an additional mount, which the kernel unmounts when the command ends. */
import { spawn } from 'node:child_process';
import { commandLine } from '../../text/shell.ts';
import type { Ending } from '../process/foreground.ts';
import { followForeground } from '../process/supervisor.ts';

export interface PrivateMount {
  /** A directory. */
  readonly place: string;
  /** Arguments of mount(8) without the directory. Each list is tried if the previous ones fail. */
  readonly mounts: readonly (readonly string[])[];
  /** Command prefix that kills a command when binfmtctl ends. */
  readonly withParent: readonly string[];
  readonly tools: { readonly sh: string; readonly unshare: string; readonly mount: string };
}

/** The mount that the rerun command got. */
export interface TakenMount {
  readonly place: string;
  /** Index of the successful arguments; null if all failed. */
  readonly attempt: number | null;
  /** The first error message of mount(8). */
  readonly complaint: string;
}

/** Environment variables that pass a TakenMount. */
const PLACE = 'BINFMTCTL_MOUNTED';
const ATTEMPT = 'BINFMTCTL_MOUNT_ATTEMPT';
const COMPLAINT = 'BINFMTCTL_MOUNT_ERROR';

/** The mount that `runWithMount` passes to its command; null in other runs. */
export function takeMount(): TakenMount | null {
  const { [PLACE]: place, [ATTEMPT]: attempt = '', [COMPLAINT]: complaint = '' } = process.env;
  for (const name of [PLACE, ATTEMPT, COMPLAINT]) delete process.env[name];
  return place === undefined ? null : { place, attempt: attempt === '' ? null : Number(attempt), complaint };
}

/** Reruns the command line of this process, and passes on these descriptors above 2. */
export function runWithMount(private_: PrivateMount, descriptors: readonly number[]): Promise<Ending> {
  const { place, mounts, withParent, tools } = private_;
  const attempts = mounts.map(
    (each, index) => `try ${index} ${commandLine([tools.mount, '-n', ...each, place])}`,
  );
  const script = [
    // The error message becomes part of an English one, so it must not be translated.
    `try() { attempt=$1; shift; said=$(LC_ALL=C "$@" 2>&1) && export ${ATTEMPT}="$attempt" || fail; }`,
    `fail() { export ${COMPLAINT}="\${${COMPLAINT}:-\${said:-failed}}"; false; }`,
    `export ${PLACE}=${commandLine([place])}`,
    attempts.join(' || '),
    'unset said attempt; exec "$@"',
  ].join('\n');
  const own = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const within = [tools.unshare, '--mount', '--propagation', 'private', '--'];
  const [file = tools.unshare, ...args] = [
    ...withParent,
    ...within,
    tools.sh,
    '-c',
    script,
    tools.sh,
    ...own,
  ];
  const last = Math.max(2, ...descriptors);
  const stdio = Array.from({ length: last + 1 }, (_, each) =>
    each <= 2 || descriptors.includes(each) ? each : 'ignore',
  );
  return followForeground(() => spawn(file, args, { stdio }));
}
