/** Runs our own command in a mount namespace that has one more mount. The kernel unmounts it when the command has ended. */
import { spawn } from 'node:child_process';
import { commandLine } from '../../text/shell.ts';
import type { Ending } from '../process/foreground.ts';
import { followForeground } from '../process/supervisor.ts';

export interface PrivateMount {
  /** A directory. */
  readonly place: string;
  /** Arguments of mount(8), but for the place. Later ones are tried if the first ones fail. */
  readonly mounts: readonly (readonly string[])[];
  /** Words that go before a command to end it with us. */
  readonly withParent: readonly string[];
  readonly tools: { readonly sh: string; readonly unshare: string; readonly mount: string };
}

/** What the command learns of its mount. */
export interface TakenMount {
  readonly place: string;
  /** Index of the arguments that mounted it; null if none did. */
  readonly attempt: number | null;
  /** The first complaint of mount(8). */
  readonly complaint: string;
}

/** Variables that carry it. */
const PLACE = 'BINFMTCTL_MOUNTED';
const ATTEMPT = 'BINFMTCTL_MOUNT_ATTEMPT';
const COMPLAINT = 'BINFMTCTL_MOUNT_ERROR';

/** What `runWithMount` tells the command that it runs; null for other runs. */
export function takeMount(): TakenMount | null {
  const { [PLACE]: place, [ATTEMPT]: attempt = '', [COMPLAINT]: complaint = '' } = process.env;
  for (const name of [PLACE, ATTEMPT, COMPLAINT]) delete process.env[name];
  return place === undefined ? null : { place, attempt: attempt === '' ? null : Number(attempt), complaint };
}

/** Runs our own command line once more, with these descriptors above 2. */
export function runWithMount(private_: PrivateMount, descriptors: readonly number[]): Promise<Ending> {
  const { place, mounts, withParent, tools } = private_;
  const attempts = mounts.map(
    (each, index) => `try ${index} ${commandLine([tools.mount, '-n', ...each, place])}`,
  );
  const script = [
    // The complaint is for our own message, so it is not translated.
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
