/** Starts a program. Returns a failure to start as a value, like an exit status. */
import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { errnoOf } from '../../file/file-error.ts';
import { workingDirectory } from '../../host.ts';

interface SpawnOptions {
  readonly stdio: StdioOptions;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly extendEnv?: boolean | undefined;
  readonly cwd?: string | undefined;
  readonly argv0?: string | undefined;
}

export interface Child {
  /** Undefined if the program was not started. */
  readonly pid?: number | undefined;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Resolves when the program has ended and its outputs are closed. Never rejects. */
  readonly ended: Promise<End>;
}

interface End {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Why it was not started; null if it was. */
  readonly errno: string | null;
}

/** Starts the program at `path` in a new process group, so that Ctrl-C does not reach it and its descendants can be killed. */
export async function spawnChild(
  path: string,
  args: readonly string[],
  { stdio, env, extendEnv = true, cwd, argv0 }: SpawnOptions,
): Promise<Child> {
  const { spawn } = await import('node:child_process');
  try {
    const child = spawn(path, args, {
      stdio,
      cwd: cwd ?? workingDirectory(),
      ...(argv0 !== undefined && { argv0 }),
      env: extendEnv ? { ...process.env, ...env } : { ...env },
      detached: true,
    });
    // A program may end without reading its input.
    child.stdin?.on('error', () => {});
    const { pid, stdin, stdout, stderr } = child;
    return { pid, stdin, stdout, stderr, ended: endOf(child) };
  } catch (error) {
    // Node throws some errors of execve(2), such as E2BIG and ELOOP, and emits others.
    return unstarted(error);
  }
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(notStarted(error));
    });
    child.once('close', (exitCode, signal) => {
      if (child.pid !== undefined) resolve({ exitCode, signal, errno: null });
    });
  });
}

async function unstarted(error: unknown): Promise<Child> {
  const { PassThrough } = await import('node:stream');
  return {
    stdin: new PassThrough().resume(),
    stdout: new PassThrough().end(),
    stderr: new PassThrough().end(),
    ended: Promise.resolve(notStarted(error)),
  };
}

const notStarted = (error: unknown): End => ({
  exitCode: null,
  signal: null,
  errno: errnoOf(error) ?? 'UNKNOWN',
});
