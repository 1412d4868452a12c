/** Runs other programs. */
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileError } from '../file/file-error.ts';
import { watchOver } from './child/guard.ts';
import { collect, discardUnread } from './child/outputs.ts';
import { spawnChild } from './child/spawn.ts';
import { findTool } from './tools.ts';

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Whether `env` extends the environment of this process. Default: true. */
  readonly extendEnv?: boolean | undefined;
  readonly cwd?: string | undefined;
  /** argv[0] of the program. Default: its path. */
  readonly argv0?: string | undefined;
  /** Time limit from the start to the end of the program. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Kills the program when aborted. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunProcessOptions extends ProcessOptions {
  /** Descriptors that the program inherits as 3, 4 and so on. Its standard input is then empty. */
  readonly descriptors?: readonly number[] | undefined;
  /** Standard input. Default: empty. */
  readonly input?: string | Uint8Array | undefined;
  /** Limit of each output; a program that writes more is killed. Default: 64 MiB. */
  readonly maxBytes?: number | undefined;
}

export interface RunResult {
  /** Null if the program did not start or was killed by a signal. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Whether the program wrote more than `maxBytes`. */
  readonly tooMuchOutput: boolean;
  /** Why the program could not be started: ENOENT, EACCES, ELOOP, ETXTBSY, E2BIG…; null if it was started. */
  readonly errno: string | null;
}

/** A running program. Not a promise, so that an async function can return it. */
export interface RunningProcess {
  readonly pid: number | null;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Kills the program and its descendants with SIGTERM, and one second later with SIGKILL. */
  readonly kill: () => void;
  /** Never rejects. `stdout` and `stderr` of the result are empty, because they are streamed. */
  readonly ended: Promise<RunResult>;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/**
 * Runs a program and waits for it. A missing program, an exit status, a signal and a time limit are all results. At the limit,
 * the program is killed together with its descendants.
 *
 * With glibc, an executable file without a matching format, such as a foreign ELF without an entry, does not give ENOEXEC:
 * Node starts programs with execvp(3), which passes such a file to /bin/sh. The shell then fails at its bytes (usually with
 * status 127 or 2) or even runs them as commands. A caller that must know needs output of the program itself, such as a
 * probe's report or a tool's `--version`.
 *
 * @throws FILE_FAILED if this process has no descriptors left for the program's streams.
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
 * Starts a program whose input and outputs are streams for the caller. An output without a reader by the next turn of the
 * event loop is discarded. Otherwise like `run`.
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

/** Without `buffering`, the caller handles all three streams. */
async function launch(
  file: string,
  args: readonly string[],
  options: ProcessOptions,
  buffering: Buffering | null,
) {
  // PATH may lack the directories of mount, chroot and modprobe, as after `su`.
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

/** Two per stream, and those that libuv opens in addition. */
const DESCRIPTORS = 10;

/**
 * Throws FILE_FAILED if there are not enough descriptors to start a program. Node would emit that error before the caller can
 * listen for it (lib/internal/child_process.js, ChildProcess.prototype.spawn()), which would end this process.
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
