/**
 * Common parts of the scripts of `run` and `enter`, which run as root of new namespaces. binfmtctl reads the standard error
 * of the scripts and their tools, and answers on descriptor 8. Descriptor 7 is the program's standard error.
 * The scripts have a clean environment: the exec helper (elf/exec-helper/exec-helper.ts) contains that of the program.
 */
import { formatRegister } from '../../rule/register.ts';
import type { Rule } from '../../rule/types.ts';
import { commandLine, printfFormat, quote } from '../../text/shell.ts';

/** Paths of the tools that the scripts call. */
export interface Tools {
  readonly sh: string;
  readonly unshare: string;
  /** Called with `-n`: it must not record these mounts in the host's /run, which users cannot write to. */
  readonly mount: string;
  /** setpriv(1) of util-linux, which kills the program when binfmtctl ends; null if missing. */
  readonly setpriv: string | null;
}

/** The exec helper, which a setup script executes last. */
export const HELPER_FD = 4;
export const HELPER_PATH = `/proc/self/fd/${HELPER_FD}`;
/** Files that a setup script reads. */
export const TEXT_FDS = [5, 6] as const;
export const STDERR_FD = 7;
export const ANSWERS_FD = 8;

/**
 * Messages of a script: `map PID` requests the ID maps of a process, `lock` an answer to the process that locks the
 * mounts, and `ready PID` the permission to execute. `failed STEP STATUS` gives the exit status of a failed tool before the script ends.
 */
export type SetupStep = 'maps' | 'namespaces' | 'root' | 'mounts' | 'instance' | 'register' | 'lock';

export const fail = (step: SetupStep): string => `{ echo "failed ${step} $?" >&2; exit 125; }`;

/** Waits for permission. Exits without it, as when binfmtctl was killed. */
export const AWAIT_PERMISSION = `read -r _ <&${ANSWERS_FD} || exit 125`;

/** Sets `pid` to the shell's process ID on the host, as long as /proc is still the host's. */
export const OWN_PID = 'read -r pid _ </proc/self/stat';

/** Executes the program with its standard error. The helper closes the other descriptors. */
export const EXECUTE = `${HELPER_PATH} 2>&${STDERR_FD} ${STDERR_FD}>&-`;

/** Command prefix that kills a process when its parent ends. With SIGKILL, its PID namespace ends, too. */
export const withParent = (
  { setpriv }: Pick<Tools, 'setpriv'>,
  signal: 'KILL' | 'QUIT' = 'KILL',
): readonly string[] => (setpriv === null ? [] : [setpriv, '--pdeathsig', signal, '--']);

/** A command that creates namespaces and runs `lines` in them, as root of the user namespace if `user` is set. */
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
    /** Set if root of the new namespace is one of the caller's subordinate IDs. */
    readonly becomesRoot?: boolean;
    /** Set if a shell with job control runs the script, for a program on a terminal (see `asJob`). */
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
  // Without --keep-caps, a program executed before the IDs are mapped loses its capabilities (capabilities(7), ambient set).
  const kept = ['--user', '--keep-caps'];
  if (!becomesRoot || setpriv === null) return started(`${mapped}\n${script}`, kept);
  // A change of user clears the parent-death signal (prctl(2), PR_SET_PDEATHSIG), so it is set again.
  const ids = [setpriv, '--reuid=0', '--regid=0', '--clear-groups', '--', ...withParent(tools)];
  return started(`${mapped}; exec ${commandLine([...ids, sh, '-c', script])}`, kept);
}

/** Mounts the instance of the new user namespace and registers rules in it. */
export function instanceLines(
  directory: string,
  rules: readonly Rule[],
  { mount }: Tools,
): readonly string[] {
  const words = [mount, '-n', '-t', 'binfmt_misc', '-o', 'nosuid,nodev,noexec', 'binfmt_misc', directory];
  return [`${commandLine(words)} || ${fail('instance')}`, ...registerLines(directory, rules)];
}

/** Registers rules. `rules` are in the order in which the kernel tries them, so the first one is registered last. */
export const registerLines = (directory: string, rules: readonly Rule[]): readonly string[] =>
  rules
    .toReversed()
    .map(
      (rule) =>
        `printf ${printfFormat(formatRegister(rule))} >${quote(`${directory}/register`)} || ${fail('register')}`,
    );

/**
 * Makes the instance read-only, not just its mount: root inside owns its files and may mount it again. The
 * locked mount stays until the session ends, because an instance loses all entries with its last mount.
 */
export const sealLine = (instance: string, { mount }: Pick<Tools, 'mount'>): string =>
  `${commandLine([mount, '-n', '-o', 'remount,ro,nosuid,nodev,noexec', instance])} || ${fail('instance')}`;

/** A pipe that never delivers data: a read ends when binfmtctl does. */
export const IDLE_FD = 3;

const INIT = `( read -r _ <&${IDLE_FD} ); :`;

/**
 * Runs the script as a job of a shell that gives it the terminal, and reclaims the terminal at the end. The shell is outside the PID
 * namespace, but its children are inside: first a process 1 that waits, then the job. The job's process group therefore has an
 * ID inside. A group without one appears as group 0 there, and dash fails to give the terminal back to it
 * (pid_namespaces(7)). The job is not process 1, because Ctrl-Z does not stop process 1.
 *
 * Process 1 is a separate job, outside binfmtctl's process group. If it stopped together with binfmtctl, dash's `exit` could
 * find a stopped job and return 0 instead of exiting (jobs.c stoppedjobs()).
 *
 * When the job stops, the shell reports it and stops, too. When the shell is continued, it continues the job in the foreground.
 * bash passes the terminal on through its standard error (jobs.c initialize_job_control()), other shells through /dev/tty.
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
