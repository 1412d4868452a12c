/**
 * What the scripts of `run` and `enter` have in common. They run as root of new namespaces. All that they and their tools
 * say goes to us, by standard error; the program's own standard error is descriptor 7, and descriptor 8 is what we say.
 * Their environment is clean: the exec helper (elf/exec-helper/exec-helper.ts) holds that of the program.
 */
import { formatRegister } from '../../rule/register.ts';
import type { Rule } from '../../rule/types.ts';
import { commandLine, printfFormat, quote } from '../../text/shell.ts';

/** Paths of the tools that the scripts call. */
export interface Tools {
  readonly sh: string;
  readonly unshare: string;
  /** Called with `-n`: its notes of mounts in /run are for the machine, and not to be written by a plain user. */
  readonly mount: string;
  /** Of util-linux, to end the program with us; null where there is none. */
  readonly setpriv: string | null;
}

/** The exec helper, which a set-up executes last. */
export const HELPER_FD = 4;
export const HELPER_PATH = `/proc/self/fd/${HELPER_FD}`;
/** Files that a set-up reads. */
export const TEXT_FDS = [5, 6] as const;
export const STDERR_FD = 7;
export const ANSWERS_FD = 8;

/**
 * What a script says: `map PID` asks for the id maps of a process, `lock` for an answer to the process that locks the
 * mounts, `ready PID` for leave to execute. `failed STEP STATUS` comes before it ends, with the exit status of what failed.
 */
export type SetupStep = 'maps' | 'namespaces' | 'root' | 'mounts' | 'instance' | 'register' | 'lock';

export const fail = (step: SetupStep): string => `{ echo "failed ${step} $?" >&2; exit 125; }`;

/** Waits for leave; without it, as where we have been killed, ends. */
export const AWAIT_PERMISSION = `read -r _ <&${ANSWERS_FD} || exit 125`;

/** Sets `pid` to the number that we know this shell by, as long as it has the /proc of outside. */
export const OWN_PID = 'read -r pid _ </proc/self/stat';

/** Executes the program, with its own standard error. The helper closes its other descriptors. */
export const EXECUTE = `${HELPER_PATH} 2>&${STDERR_FD} ${STDERR_FD}>&-`;

/** Ends the process that executes this with its parent: by SIGKILL, what it starts in namespaces goes with it. */
export const withParent = (
  { setpriv }: Pick<Tools, 'setpriv'>,
  signal: 'KILL' | 'QUIT' = 'KILL',
): readonly string[] => (setpriv === null ? [] : [setpriv, '--pdeathsig', signal, '--']);

/** A command that makes namespaces and runs `lines` in them, as root of a new user namespace where there is one. */
export function inNewNamespaces(
  lines: string,
  {
    flags,
    user,
    becomesRoot = false,
    isJob = false,
    tools,
  }: {
    readonly flags: readonly string[];
    readonly user: boolean;
    /** Where the new namespace's root is not the caller, but one of the caller's subordinate ids. */
    readonly becomesRoot?: boolean;
    /** Whether a shell with job control runs the script, for a program that has the terminal (asJob below). */
    readonly isJob?: boolean;
    readonly tools: Tools;
  },
): readonly [string, ...string[]] {
  const { sh, setpriv, unshare } = tools;
  const script = isJob ? asJob(lines, tools) : lines;
  const [first = unshare, ...rest] = [...withParent(tools), unshare];
  const started = (text: string, more: readonly string[] = []): readonly [string, ...string[]] => [
    first,
    ...rest,
    ...more,
    ...flags,
    '--',
    sh,
    '-c',
    text,
  ];
  if (!user) return started(script);
  const mapped = `${OWN_PID}; echo "map $pid" >&2; ${AWAIT_PERMISSION}`;
  // What is executed before there are ids would lose its capabilities but for this (capabilities(7), ambient set).
  const kept = ['--user', '--keep-caps'];
  if (!becomesRoot || setpriv === null) return started(`${mapped}\n${script}`, kept);
  // Whoever becomes somebody else is no longer ended with the parent (prctl(2), PR_SET_PDEATHSIG).
  const ids = [setpriv, '--reuid=0', '--regid=0', '--clear-groups', '--', ...withParent(tools)];
  return started(`${mapped}; exec ${commandLine([...ids, sh, '-c', script])}`, kept);
}

/** Mounts an instance of the new user namespace and fills it, as `registerLines` does. */
export function instanceLines(
  directory: string,
  rules: readonly Rule[],
  { mount }: Tools,
): readonly string[] {
  const words = [mount, '-n', '-t', 'binfmt_misc', '-o', 'nosuid,nodev,noexec', 'binfmt_misc', directory];
  return [`${commandLine(words)} || ${fail('instance')}`, ...registerLines(directory, rules)];
}

/** Fills an instance. `rules` come as the kernel tries them: the first one is registered last. */
export const registerLines = (directory: string, rules: readonly Rule[]): readonly string[] =>
  rules
    .toReversed()
    .map(
      (rule) =>
        `printf ${printfFormat(formatRegister(rule))} >${quote(`${directory}/register`)} || ${fail('register')}`,
    );

/**
 * Makes the instance itself read-only, not just a mount of it: root inside owns its files and may mount it again. Its
 * locked mount stays until the session ends, as the instance loses all entries with its last mount.
 */
export const sealLine = (instance: string, { mount }: Pick<Tools, 'mount'>): string =>
  `${commandLine([mount, '-n', '-o', 'remount,ro,nosuid,nodev,noexec', instance])} || ${fail('instance')}`;

/** A descriptor from which nothing is ever read: the other end is ours. */
export const IDLE_FD = 3;

const INIT = `( read -r _ <&${IDLE_FD} ); :`;

/**
 * The script as a job of a shell that gives it the terminal and takes it back in the end. The shell is outside the process
 * namespace, but what it starts is inside: first a process 1 that waits, then the job. The job's process group therefore has a
 * number inside. A group without one looks like group 0 there, and dash fails when it gives the terminal back to it
 * (pid_namespaces(7)). The job is not process 1, which Ctrl-Z does not stop.
 *
 * Process 1 is a job of its own, out of our process group. If it stopped with us, dash's `exit` could find a stopped job and
 * return 0 instead of exiting (jobs.c stoppedjobs()).
 *
 * The shell stops with its job and says so. When it is continued, it continues the job in the foreground. bash gives the
 * terminal away by its standard error (jobs.c initialize_job_control()), other shells by /dev/tty.
 */
function asJob(lines: string, tools: Tools): string {
  const start = (script: string): string => commandLine([...withParent(tools), tools.sh, '-c', script]);
  const closed = [HELPER_FD, ...TEXT_FDS, STDERR_FD, ANSWERS_FD, 9]
    .map((descriptor) => `${descriptor}<&-`)
    .join(' ');
  return [
    'exec 9>&2; [ -z "$BASH_VERSION" ] || exec 2>/dev/tty',
    'set -m',
    `${start(INIT)} </dev/null >/dev/null 2>&1 ${closed} &`,
    `${start(lines)} 2>&9 9>&- ${IDLE_FD}<&-; status=$?`,
    'while jobs %2 >/dev/null 2>&1; do echo stop >&9; kill -STOP $$; fg %2 >/dev/null; status=$?; done',
    'exit "$status"',
  ].join('\n');
}
