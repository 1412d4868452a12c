/** The door to other programs. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Options } from 'execa';
import { errnoOf, fileError } from '../file/file-error.ts';
import { workingDirectory } from '../host.ts';
import { watchOver } from '../watch-over.ts';
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

export interface RunOptions extends ProcessOptions {
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
  { input, descriptors, maxBytes = DEFAULT_MAX_BYTES, ...options }: RunOptions = {},
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
  const { spawn } = await import('node:child_process');
  const { env, extendEnv = true, argv0 } = options;
  const [path, cwd] = placesOf(file, options);
  let child: ChildProcessWithoutNullStreams;
  try {
    child = spawn(path, args, {
      cwd,
      ...(argv0 !== undefined && { argv0 }),
      env: extendEnv ? { ...process.env, ...env } : (env ?? {}),
      stdio: 'pipe',
      detached: true,
    });
  } catch (error) {
    return notStarted(errnoOf(error) ?? 'UNKNOWN');
  }
  const { pid, stdin, stdout, stderr } = child;
  const guard = watchOver(child, options);
  const ended = new Promise<RunResult>((resolve) => {
    const end = (errno: string | null, exitCode: number | null, signal: string | null): void => {
      guard.release(false);
      const outputs = { stdout: new Uint8Array(), stderr: '', tooMuchOutput: false };
      resolve({ exitCode, signal, timedOut: guard.timedOut(), errno, ...outputs });
    };
    child.on('error', (error) => {
      if (pid === undefined) end(errnoOf(error) ?? 'UNKNOWN', null, null);
    });
    child.once('close', (code, signal) => {
      if (pid !== undefined) end(null, code, signal);
    });
  });
  // A program may end without reading its input.
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {});
  setImmediate(() => {
    for (const stream of [stdout, stderr])
      if (stream.readableFlowing === null && stream.listenerCount('readable') === 0) stream.resume();
  });
  return { pid: pid ?? null, stdin, stdout, stderr, kill: guard.kill, ended };
}

/** What the kernel refused at once has neither input nor output. */
async function notStarted(errno: string): Promise<RunningProcess> {
  const { PassThrough, Readable } = await import('node:stream');
  const result = { exitCode: null, signal: null, stdout: new Uint8Array(), stderr: '' };
  return {
    pid: null,
    stdin: new PassThrough().resume(),
    stdout: Readable.from([]),
    stderr: Readable.from([]),
    kill: () => {},
    ended: Promise.resolve({ ...result, timedOut: false, tooMuchOutput: false, errno }),
  };
}

/** The program's path and the directory that it begins in; both may be missing. */
function placesOf(file: string, { cwd }: ProcessOptions): readonly [path: string, cwd: string] {
  // PATH may lack the folders of mount, chroot and modprobe, as after `su`.
  const path = file.includes('/') ? file : (findTool(file) ?? file);
  requireDescriptors(file);
  return [path, cwd ?? workingDirectory()];
}

async function launch(file: string, args: readonly string[], options: ProcessOptions, how: Options) {
  const { env, extendEnv = true, argv0 } = options;
  const { execa } = await import('execa');
  const [path, cwd] = placesOf(file, options);
  const subprocess = execa(path, args, {
    ...how,
    // By default execa asks for the path, which a removed directory does not have.
    cwd,
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

const bytesOf = (output: unknown): Uint8Array => (output instanceof Uint8Array ? output : new Uint8Array());
