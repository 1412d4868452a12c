import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { REPORT_SIZE } from '../elf/probe.ts';
import { type Command, inNamespaces } from '../system/namespace/namespaces.ts';
import type { Launch } from '../system/process/launcher.ts';
import { start } from '../system/process/process.ts';
import { findTool } from '../system/process/tools.ts';

/**
 * Where probes run. `host`: like any program. `isolated`: in an empty root and a new mount namespace. `chroot` and
 * `mount-namespace`: in only one of these, to tell which of the two fails.
 */
export type ProbePlace = 'host' | 'isolated' | 'chroot' | 'mount-namespace';

export interface ProbeRun {
  /** Its standard output, not yet decoded. */
  readonly output: Uint8Array;
  /** Messages of the emulator or the shell. */
  readonly complaint: string;
  /** As in a shell: 128+N for a signal, 126 and 127 if it could not be executed; null after the time limit. */
  readonly status: number | null;
  /** Why the probe could not be started, which says nothing about the emulator; null if it was started. */
  readonly notStarted: string | null;
}

export interface ProberOptions {
  /** Directory of the probes and of their output. */
  readonly directory: string;
  /** The root for `isolated` and `chroot`: `directory` or one of its parents. */
  readonly root?: string | undefined;
  readonly names: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly timeLimitMs: number;
  readonly signal: AbortSignal;
  /**
   * Called for each probe that has reported and waits: `/proc/PID/exe` is then the program that actually runs. `host`
   * only.
   */
  readonly onWaiting?: ((name: string, pid: number) => void) | undefined;
}

const POLL_MS = 4;

/** Built by scripts/build.mjs into the same directory. */
const LAUNCHER = join(import.meta.dirname, 'launcher.cjs');

// One shell starts all probes: starting a process from Node takes ten times as long as forking a small shell.
// The shell finds the probes through PATH, so that argv[0] differs from the path and shows whether it is preserved.
const ON_HOST = `cd "$1" || exit 125; PATH=$1; place=$2; shift 2; exec 3<&0
for name; do
  exec "$name" <&3 3<&- >"$name.$place.out" 2>"$name.$place.err" &
  echo "start $name $!"; all="$all $name:$!"
done
for each in $all; do wait "\${each#*:}" 2>/dev/null; echo "end \${each%:*} $?"; done`;

// With empty standard input, the probes do not wait.
const IN_ROOT = `cd "$1" || exit 125; place=$2; chroot=$3; root=$4; inside=$5; shift 5
for name; do
  exec "$chroot" "$root" "$inside/$name" </dev/null >"$name.$place.out" 2>"$name.$place.err" &
  echo "start $name $!"; all="$all $name:$!"
done
for each in $all; do wait "\${each#*:}" 2>/dev/null; echo "end \${each%:*} $?"; done`;

/** Runs the probes of `names` concurrently in one place and returns their results. */
export async function runProbes(
  place: ProbePlace,
  options: ProberOptions,
): Promise<ReadonlyMap<string, ProbeRun>> {
  const { directory, names, environment, timeLimitMs, signal } = options;
  const [file, ...args] = commandOf(place, options);
  // Messages of shells, chroot(1) and unshare(1) become reasons, so they must be in English.
  const driver = await start(file, args, { env: { ...environment, LC_ALL: 'C' }, signal });
  const complaint = textOf(driver.stderr);
  const running = new Map<string, number>();
  const statuses = new Map<string, number | null>();
  const waits = (name: string): boolean =>
    options.onWaiting !== undefined && sizeOf(`${directory}/${name}.${place}.out`) >= REPORT_SIZE;
  let spare = waits;
  const limit = setInterval(() => {
    for (const [name, pid] of running) {
      // It waits for other probes and can continue once those are killed.
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
  // A plain user needs a user namespace for chroot and mounts. It uses the binfmt_misc instance of its parent.
  const user = place !== 'host' && process.geteuid?.() !== 0;
  const mount = place === 'isolated' || place === 'mount-namespace';
  return user || mount ? inNamespaces({ user, mount }, command) : command;
}

/** Starts the probes without a shell, which the container image lacks. Slower, as Node starts each probe. */
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
 * Calls `onWaiting` for each probe that has reported, and `release`, which lets them continue, once each has reported
 * or exited. Polls for exits, because the shell reports them in order.
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
    // Waiting probes keep waiting, so it suffices to poll the first of the remaining ones.
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

/**
 * The result of a probe from its output files. Without a status or an error file, the driver failed before starting it.
 */
function runOf(path: string, status: number | null | undefined, driverFailure = ''): ProbeRun {
  const read = (suffix: string): Uint8Array | null => {
    try {
      return readFileSync(`${path}.${suffix}`);
    } catch {
      return null;
    }
  };
  const messages = read('err');
  const complaint = new TextDecoder().decode(messages ?? new Uint8Array()).trim();
  const started = status !== undefined && messages !== null && !CHROOT_FAILED.test(complaint);
  const reason =
    [complaint, driverFailure].find((each) => each !== '') ?? 'the shell that starts the probes exited early';
  return {
    output: read('out') ?? new Uint8Array(),
    complaint,
    status: status ?? null,
    notStarted: started ? null : reason.replace(...TOO_MANY),
  };
}

/** unshare(2) returns ENOSPC at the limit of `user.max_*_namespaces`. */
const TOO_MANY = [
  /^(unshare: .*): No space left on device$/,
  '$1: too many namespaces (see user.max_*_namespaces)',
] as const;

/** Message of coreutils and BusyBox, whose exit statuses differ. */
const CHROOT_FAILED = /^chroot: can(?:not|'t) change root directory/;

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  try {
    for await (const part of stream) text = (text + new TextDecoder().decode(part)).slice(-4096);
  } catch {
    // The driver could not be started.
  }
  return text.trim();
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** True if the process has exited or is a zombie, which has no program. */
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
    // It has already exited.
  }
}
