/** The door to other programs. */
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Options } from 'execa';
import { fileError } from '../file/file-error.ts';
import { workingDirectory } from '../host.ts';
import { findTool } from './tools.ts';

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Whether our own environment comes first; the default. */
  readonly extendEnv?: boolean | undefined;
  readonly cwd?: string | undefined;
  /** What the program is told to be called, where that is not its path. */
  readonly argv0?: string | undefined;
  /** From the start to the end of the program; without it there is no limit. */
  readonly timeoutMs?: number | undefined;
  /** Ends the program when aborted. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunProcessOptions extends ProcessOptions {
  /** Descriptors of ours that the program gets as 3, 4 and so on; its standard input is empty then. */
  readonly descriptors?: readonly number[] | undefined;
  /** Standard input; without it the program reads from an empty one. */
  readonly input?: string | Uint8Array | undefined;
  /** Most that is kept of each output; a program that writes more is ended. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
}

export interface RunResult {
  /** Null where it did not start or was ended by a signal. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Whether it wrote more than `maxBytes`. */
  readonly tooMuchOutput: boolean;
  /** Why it could not be started: ENOENT, EACCES, ELOOP, ETXTBSY, E2BIG …; null where it was. */
  readonly errno: string | null;
}

/** A program that runs; not a promise itself, so that it can be awaited to have it started. */
export interface RunningProcess {
  readonly pid: number | null;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Ends it and what it has started: SIGTERM, after a second SIGKILL. */
  readonly kill: () => void;
  /** Never rejects; its `stdout` and `stderr` are empty: they are streamed. */
  readonly ended: Promise<RunResult>;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const KILL_DELAY_MS = 1000;

/**
 * Runs a program to its end. Rejects only with FILE_FAILED, without descriptors for its streams: a missing program, an exit
 * status, a signal and a time limit are all results. After the limit the program is ended together with everything it has started.
 *
 * An executable file that no format takes, such as a foreign ELF without an entry, does not give ENOEXEC where the
 * C library is glibc: Node starts programs with execvp(3), which hands such a file to /bin/sh, and the shell then
 * fails at its bytes (usually with status 127 or 2) or even runs them as commands. A caller that must know needs a
 * sign of the program itself: a probe's report is absent, as is a tool's `--version`.
 */
export async function run(
  file: string,
  args: readonly string[],
  { input, descriptors, maxBytes = DEFAULT_MAX_BYTES, ...options }: RunProcessOptions = {},
): Promise<RunResult> {
  const buffering =
    descriptors !== undefined
      ? ({ stdio: ['ignore', 'pipe', 'pipe', ...descriptors] } as Options)
      : input === undefined
        ? { stdin: 'ignore' as const }
        : { input };
  const how = { ...buffering, buffer: true, maxBuffer: maxBytes };
  const running = await launch(file, args, options, how);
  return running.ended;
}

/**
 * Starts a program whose input and outputs are streams of the caller, who reads from them at once: what nobody has
 * begun to read by the next turn of the event loop is thrown away. The rules are those of `run`.
 */
export async function start(
  file: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const { subprocess, kill, ended } = await launch(file, args, options, { buffer: false });
  const { stdin, stdout, stderr } = subprocess;
  // A program may end without reading its input.
  stdin?.on('error', () => {});
  return { pid: subprocess.pid ?? null, stdin, stdout, stderr, kill, ended } as RunningProcess;
}

async function launch(file: string, args: readonly string[], options: ProcessOptions, how: Options) {
  const { env, extendEnv = true, cwd, argv0 } = options;
  const { execa } = await import('execa');
  // PATH may lack the folders of mount, chroot and modprobe, as after `su`.
  const path = file.includes('/') ? file : (findTool(file) ?? file);
  requireDescriptors(file);
  const subprocess = execa(path, args, {
    ...how,
    // By default execa asks for the path, which a removed directory does not have.
    cwd: cwd ?? workingDirectory(),
    ...(argv0 !== undefined && { argv0 }),
    ...(env !== undefined && { env }),
    extendEnv,
    encoding: 'buffer',
    stripFinalNewline: false,
    reject: false,
    // A process group of its own: Ctrl-C does not reach it, and a time limit reaches all that it started.
    detached: true,
  });
  const guard = watchOver(subprocess, options);
  const ended = subprocess.then((result): RunResult => {
    guard.release(result.isMaxBuffer);
    return {
      exitCode: result.exitCode ?? null,
      signal: result.signal ?? null,
      stdout: bytesOf(result.stdout),
      stderr: new TextDecoder().decode(bytesOf(result.stderr)),
      timedOut: guard.timedOut(),
      tooMuchOutput: result.isMaxBuffer,
      errno: subprocess.pid === undefined ? (result.code ?? 'UNKNOWN') : null,
    };
  });
  return { subprocess, kill: guard.kill, ended };
}

/** Pipes for three streams, their other ends, and what libuv and execa open besides. */
const DESCRIPTORS = 10;

/**
 * Throws FILE_FAILED where a program could not be started for lack of descriptors: Node then reports the failure before anybody can
 * listen (lib/internal/child_process.js, ChildProcess.prototype.spawn()), which ends us.
 */
function requireDescriptors(file: string): void {
  const spare: number[] = [];
  try {
    for (let count = 0; count < DESCRIPTORS; count++) spare.push(openSync('/dev/null', 'r'));
  } catch (error) {
    throw fileError(error, `start ${file}`);
  } finally {
    for (const file of spare) closeSync(file);
  }
}

interface Started {
  readonly pid?: number | undefined;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

/** Groups to be ended when we exit: no terminal does it for them. */
const groups = new Set<number>();
const endGroups = () => groups.forEach((pid) => void signalGroup(pid, 'SIGKILL'));

/** Ends a process and its group at the time limit, when the signal is aborted, and when we exit ourselves. */
function watchOver({ pid, stdout, stderr }: Started, { timeoutMs, signal }: ProcessOptions) {
  let timedOut = false;
  let released = false;
  let insisting: NodeJS.Timeout | undefined;
  const kill = () => {
    // Its number may be another's by now.
    if (released) return;
    signalGroup(pid, 'SIGTERM');
    insisting ??= setTimeout(() => {
      signalGroup(pid, 'SIGKILL');
      // What left the group may still hold the outputs open.
      stdout?.destroy();
      stderr?.destroy();
    }, KILL_DELAY_MS);
  };
  const onLimit = () => {
    timedOut = true;
    kill();
  };
  const limit = timeoutMs === undefined ? undefined : setTimeout(onLimit, timeoutMs);
  if (pid !== undefined) groups.add(pid);
  if (!process.listeners('exit').includes(endGroups)) process.on('exit', endGroups);
  signal?.addEventListener('abort', kill);
  if (signal?.aborted) kill();
  const release = (unfinished: boolean) => {
    released = true;
    clearTimeout(limit);
    clearTimeout(insisting);
    if (unfinished || insisting !== undefined) signalGroup(pid, 'SIGKILL');
    if (pid !== undefined) groups.delete(pid);
    signal?.removeEventListener('abort', kill);
  };
  return { kill, release, timedOut: () => timedOut };
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // All of it has ended in the meantime.
  }
}

const bytesOf = (output: unknown): Uint8Array => (output instanceof Uint8Array ? output : new Uint8Array());
