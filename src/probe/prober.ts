import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { REPORT_SIZE } from '../elf/probe.ts';
import { type Command, inNamespaces } from '../system/namespace/namespaces.ts';
import type { Launch } from '../system/process/launcher.ts';
import { start } from '../system/process/process.ts';
import { findTool } from '../system/process/tools.ts';

/**
 * Where probes are run. `host`: as any program. `isolated`: in an empty root and a new mount namespace at once;
 * `chroot` and `mount-namespace`: in one of them, to tell which of the two fails.
 */
export type ProbePlace = 'host' | 'isolated' | 'chroot' | 'mount-namespace';

export interface ProbeRun {
  /** What it wrote, not yet decoded. */
  readonly output: Uint8Array;
  /** What the emulator or the shell said of it. */
  readonly complaint: string;
  /** As a shell gives it: 128+N for a signal, 126 and 127 where it could not be executed; null after the time limit. */
  readonly status: number | null;
  /** Why the probe could not be started at all, which says nothing about the emulator; null if it was. */
  readonly notStarted: string | null;
}

export interface ProberOptions {
  /** Folder that holds the probes; output is kept beside them. */
  readonly directory: string;
  /** The root to change into, where the place has one: `directory` itself or a folder above it. */
  readonly root?: string | undefined;
  readonly names: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly timeLimitMs: number;
  readonly signal: AbortSignal;
  /** Called for each probe that waits after its report: `/proc/PID/exe` is then what really runs. `host` only. */
  readonly onWaiting?: ((name: string, pid: number) => void) | undefined;
}

const POLL_MS = 4;

/** A file beside this program; scripts/build.mjs makes it. */
const LAUNCHER = join(import.meta.dirname, 'launcher.cjs');

// One shell starts all of them: a process started from here costs ten times as much as one forked by a small shell.
// The probes are found through PATH, so that argv[0] differs from the path and shows whether it is preserved.
const ON_HOST = `cd "$1" || exit 125; PATH=$1; place=$2; shift 2; exec 3<&0
for name; do
  exec "$name" <&3 3<&- >"$name.$place.out" 2>"$name.$place.err" &
  echo "start $name $!"; all="$all $name:$!"
done
for each in $all; do wait "\${each#*:}" 2>/dev/null; echo "end \${each%:*} $?"; done`;

// Standard input is empty here, so that the probes do not wait.
const IN_ROOT = `cd "$1" || exit 125; place=$2; chroot=$3; root=$4; inside=$5; shift 5
for name; do
  exec "$chroot" "$root" "$inside/$name" </dev/null >"$name.$place.out" 2>"$name.$place.err" &
  echo "start $name $!"; all="$all $name:$!"
done
for each in $all; do wait "\${each#*:}" 2>/dev/null; echo "end \${each%:*} $?"; done`;

/** Runs the probes of `names` side by side in one place and returns what became of each. */
export async function runProbes(
  place: ProbePlace,
  options: ProberOptions,
): Promise<ReadonlyMap<string, ProbeRun>> {
  const { directory, names, environment, timeLimitMs, signal } = options;
  const [file, ...args] = commandOf(place, options);
  // The messages of shells, chroot(1) and unshare(1) are reasons: they have to be in one language.
  const driver = await start(file, args, { env: { ...environment, LC_ALL: 'C' }, signal });
  const complaint = textOf(driver.stderr);
  const running = new Map<string, number>();
  const statuses = new Map<string, number | null>();
  const waits = (name: string): boolean =>
    options.onWaiting !== undefined && sizeOf(`${directory}/${name}.${place}.out`) >= REPORT_SIZE;
  let spare = waits;
  const limit = setInterval(() => {
    for (const [name, pid] of running) {
      // It has waited for others, and may go on once those have been ended.
      if (spare(name)) continue;
      statuses.set(name, null);
      endProcess(pid);
    }
    spare = () => false;
  }, timeLimitMs);
  const watch = watchWaiting(options, { waits, running, ended: statuses }, () => driver.stdin.end());
  try {
    for await (const line of createInterface({ input: driver.stdout })) {
      const [event, name = '', value] = line.split(' ');
      if (event === 'start') running.set(name, Number(value));
      if (event !== 'end') continue;
      running.delete(name);
      if (!statuses.has(name)) statuses.set(name, Number(value));
    }
    const { errno } = await driver.ended;
    const reason = errno === null ? (await complaint).split('\n').at(-1) : `cannot start ${file} (${errno})`;
    return new Map(
      names.map((name) => [name, runOf(`${directory}/${name}.${place}`, statuses.get(name), reason)]),
    );
  } finally {
    clearInterval(limit);
    watch.stop();
    for (const pid of running.values()) endProcess(pid);
  }
}

function commandOf(place: ProbePlace, { directory, root = directory, names }: ProberOptions): Command {
  const inRoot = place === 'isolated' || place === 'chroot';
  const inside = root === directory ? '' : directory.slice(root.length);
  const chroot = inRoot ? [findTool('chroot') ?? 'chroot', root, inside] : [];
  const command: Command =
    findTool('sh') === null
      ? launcherCommand(place, directory, chroot, names)
      : ['sh', '-c', inRoot ? IN_ROOT : ON_HOST, 'sh', directory, place, ...chroot, ...names];
  // Without root a user namespace gives the right to do both; it has the instance of the namespace above it.
  const user = place !== 'host' && process.geteuid?.() !== 0;
  const mount = place === 'isolated' || place === 'mount-namespace';
  return user || mount ? inNamespaces({ user, mount }, command) : command;
}

/** The same without a shell, as in the container image: slower, for each is started by Node. */
function launcherCommand(
  place: ProbePlace,
  directory: string,
  [chroot, root = '', inside = '']: readonly string[],
  names: readonly string[],
): Command {
  const launches = names.map((name): Launch => {
    const output = `${directory}/${name}.${place}`;
    return chroot === undefined
      ? { name, file: `${directory}/${name}`, args: [], argv0: name, stdin: 'inherit', output }
      : { name, file: chroot, args: [root, `${inside}/${name}`], stdin: 'ignore', output };
  });
  return [process.execPath, LAUNCHER, JSON.stringify(launches)];
}

interface ProbeStates {
  readonly waits: (name: string) => boolean;
  /** Process ids by name. */
  readonly running: ReadonlyMap<string, number>;
  readonly ended: ReadonlyMap<string, number | null>;
}

/**
 * Lets the probes go on (through `release`) once each has reported or ended; tells `onWaiting` of each that waits.
 * The shell tells of an end only when those before have ended, so that it is looked for here.
 */
function watchWaiting(
  { names, onWaiting }: ProberOptions,
  { waits, running, ended }: ProbeStates,
  release: () => void,
): { readonly stop: () => void } {
  if (onWaiting === undefined) {
    release();
    return { stop: () => {} };
  }
  const awaited = [...names];
  const timer = setInterval(() => {
    // Who waits goes on waiting, so that only the first of the rest is looked at: no need to ask for all each time.
    for (let name = awaited[0]; name !== undefined; name = awaited[0]) {
      const pid = running.get(name);
      if (pid === undefined && !ended.has(name)) return;
      if (pid !== undefined && waits(name)) onWaiting(name, pid);
      else if (pid !== undefined && !hasEnded(pid)) return;
      awaited.shift();
    }
    clearInterval(timer);
    release();
  }, POLL_MS);
  return { stop: () => clearInterval(timer) };
}

/** What became of the probe whose output is in files at `path`. Without a status or a file for its messages it was not started: the driver failed before. */
function runOf(path: string, status: number | null | undefined, driverFailure = ''): ProbeRun {
  const read = (ending: string): Uint8Array | null => {
    try {
      return readFileSync(`${path}.${ending}`);
    } catch {
      return null;
    }
  };
  const messages = read('err');
  const complaint = new TextDecoder().decode(messages ?? new Uint8Array()).trim();
  const started = status !== undefined && messages !== null && !CHROOT_FAILED.test(complaint);
  const reason =
    [complaint, driverFailure].find((each) => each !== '') ?? 'the shell that starts it ended early';
  return {
    output: read('out') ?? new Uint8Array(),
    complaint,
    status: status ?? null,
    notStarted: started ? null : reason.replace(...TOO_MANY),
  };
}

/** ENOSPC is how unshare(2) reports a limit of `user.max_*_namespaces`. */
const TOO_MANY = [
  /^(unshare: .*): No space left on device$/,
  '$1: the limit of namespaces is reached',
] as const;

/** coreutils and BusyBox; their exit statuses differ. */
const CHROOT_FAILED = /^chroot: can(?:not|'t) change root directory/;

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  try {
    for await (const part of stream) text = (text + new TextDecoder().decode(part)).slice(-4096);
  } catch {
    // A driver that could not be started has no output.
  }
  return text.trim();
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Whether a process is gone or only waited for: then it has no program any more. */
function hasEnded(pid: number): boolean {
  try {
    readlinkSync(`/proc/${pid}/exe`);
    return false;
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself in the meantime.
  }
}
