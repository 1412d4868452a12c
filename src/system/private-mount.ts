/** Runs our own command in a mount namespace that has one more mount. The kernel unmounts it when the command has ended. */
import { spawn } from 'node:child_process';
import { commandLine } from '../plan/shell.ts';
import type { Ending } from './foreground.ts';
import { followForeground } from './supervisor.ts';

export interface PrivateMount {
  /** A directory. */
  readonly place: string;
  /** Of mount(8), but for the place. */
  readonly mount: readonly string[];
  /** Words that go before a command to end it with us. */
  readonly withParent: readonly string[];
  readonly tools: { readonly sh: string; readonly unshare: string; readonly mount: string };
}

/** Variables that tell the command of its mount: the place, and what mount(8) complained of. */
const PLACE = 'BINFMTCTL_MOUNTED';
const COMPLAINT = 'BINFMTCTL_MOUNT_ERROR';

/** What `runWithMount` tells the command that it runs; null for other runs. */
export function takeMount(): { readonly place: string; readonly complaint: string } | null {
  const { [PLACE]: place, [COMPLAINT]: complaint = '' } = process.env;
  delete process.env[PLACE];
  delete process.env[COMPLAINT];
  return place === undefined ? null : { place, complaint };
}

/** Runs our own command line once more, with these descriptors above 2. */
export function runWithMount(private_: PrivateMount, descriptors: readonly number[]): Promise<Ending> {
  const { place, mount, withParent, tools } = private_;
  // The complaint is for our own message, so it is not translated.
  const script = [
    `export ${PLACE}=${commandLine([place])}`,
    `said=$(LC_ALL=C ${commandLine([tools.mount, '-n', ...mount, place])} 2>&1) || export ${COMPLAINT}="\${said:-failed}"`,
    'unset said; exec "$@"',
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
