/** The door to other programs. */
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileError } from '../file/file-error.ts';
import { watchOver } from './child/guard.ts';
import { collect, discardUnread } from './child/outputs.ts';
import { spawnChild } from './child/spawn.ts';
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
  const buffering = { input, descriptors: descriptors ?? [], maxBytes };
  const running = await launch(file, args, options, buffering);
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
  const { child, kill, ended } = await launch(file, args, options, null);
  const { pid, stdin, stdout, stderr } = child;
  return { pid: pid ?? null, stdin, stdout, stderr, kill, ended } as RunningProcess;
}

interface Buffering {
  readonly input: string | Uint8Array | undefined;
  readonly descriptors: readonly number[];
  readonly maxBytes: number;
}

/** Without `buffering` all three streams are the caller's. */
async function launch(
  file: string,
  args: readonly string[],
  options: ProcessOptions,
  buffering: Buffering | null,
) {
  // PATH may lack the folders of mount, chroot and modprobe, as after `su`.
  const path = file.includes('/') ? file : (findTool(file) ?? file);
  requireDescriptors(file);
  const stdin = buffering !== null && buffering.input === undefined ? 'ignore' : 'pipe';
  const descriptors = buffering?.descriptors ?? [];
  const child = await spawnChild(path, args, { ...options, stdio: [stdin, 'pipe', 'pipe', ...descriptors] });
  const guard = watchOver(child, options);
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) =>
    buffering === null ? discardUnread(stream) : collect(stream, buffering.maxBytes, guard.kill),
  );
  if (buffering?.input !== undefined) child.stdin?.end(buffering.input);
  const ended = child.ended.then(({ exitCode, signal, errno }): RunResult => {
    const tooMuchOutput = stdout?.isCut() === true || stderr?.isCut() === true;
    guard.release(tooMuchOutput);
    return {
      exitCode,
      signal,
      stdout: stdout?.bytes() ?? new Uint8Array(),
      stderr: new TextDecoder().decode(stderr?.bytes()),
      timedOut: guard.timedOut(),
      tooMuchOutput,
      errno,
    };
  });
  return { child, kill: guard.kill, ended };
}

/** Pipes for three streams, their other ends, and what libuv opens besides. */
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
