/**
 * Runs a program as if it had been started directly: with binfmtctl's terminal, streams and signals. A command finally
 * executes a helper, which executes the program. The command may first set up namespaces and mounts. It then reports its
 * progress on standard error; the program gets its standard error from another descriptor (namespace/setup-script.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { decodeExecReport, type ExecFailure } from '../../elf/exec-helper/exec-helper.ts';
import { errnoOf } from '../file/file-error.ts';
import { openText } from '../file/unnamed-file.ts';
import type { IdMaps } from '../namespace/id-maps.ts';
import { ANSWERS_FD, HELPER_FD, IDLE_FD, STDERR_FD, TEXT_FDS } from '../namespace/setup-script.ts';
import { toolEnvironment } from './environment.ts';
import { followSetup, type SetupFailure } from './follow-setup.ts';
import type { Ending } from './foreground.ts';
import { forwardSignals, type Target } from './signals.ts';

export interface Supervised {
  /** Runs in a clean environment: the helper contains that of the program. */
  readonly command: readonly [string, ...string[]];
  /** Descriptor of the file that the command executes as HELPER_PATH (elf/exec-helper/exec-helper.ts). `supervise` closes it. */
  readonly helper: number;
  /** Set if the command is a setup script. */
  readonly setup?: Setup | undefined;
}

export interface Setup {
  /** ID maps of the script's user namespace; null if it creates none. */
  readonly maps: IdMaps | null;
  /** Contents of the files that the script reads from TEXT_FDS. */
  readonly texts?: readonly string[] | undefined;
  /** A file that stays open until the program ends, so that its file system stays alive. A path inside the script's namespaces. */
  readonly held?: string | undefined;
  /** Whether the command is a shell with job control, and the program is its job. */
  readonly isJob?: boolean | undefined;
}

/**
 * Returns how the program ended, or why it was not executed. A signal during the setup counts as a signal to the program.
 *
 * @throws FILE_FAILED, READ_ONLY, NO_PRIVILEGE if no directory allows temporary files.
 */
export async function supervise(supervised: Supervised): Promise<Ending | SetupFailure | ExecFailure> {
  try {
    return await follow(start(supervised), supervised.setup);
  } catch (error) {
    return spawnFailure(error);
  }
}

/** Runs a program directly, without a command before it. */
export function superviseDirectly(
  path: string,
  [argv0, ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Ending> {
  return followForeground(() => spawn(path, args, { argv0, env, stdio: 'inherit' }));
}

/** Waits for a program in binfmtctl's process group, and forwards signals to it. */
export async function followForeground(begin: () => ChildProcess): Promise<Ending> {
  try {
    return (await follow(begin())) as Ending;
  } catch (error) {
    return spawnFailure(error);
  }
}

/** Node throws some errors of spawn, such as E2BIG and ELOOP, and reports others by an event. */
function spawnFailure(error: unknown): Ending {
  if (error instanceof Error && 'syscall' in error && error.syscall === 'spawn')
    return { errno: errnoOf(error) ?? 'EIO' };
  throw error;
}

async function follow(child: ChildProcess, setup?: Setup): Promise<Ending | SetupFailure | ExecFailure> {
  const reported: Uint8Array[] = [];
  const report = child.stdio[ANSWERS_FD as never] as Readable | undefined;
  report?.on('data', (bytes: Uint8Array) => reported.push(bytes));
  const shell = setup?.isJob ? (child.pid ?? null) : null;
  const program: Target = { pid: child.pid, shell, interruption: null };
  const release = forwardSignals(program);
  let held: number | null = null;
  try {
    const ended = endingOf(child);
    const closed = new Promise((resolve) => child.once('close', resolve));
    const maps = setup?.maps ?? null;
    const failure =
      setup === undefined || child.pid === undefined
        ? null
        : await followSetup(child, maps, (pid) => {
            program.pid = pid;
            if (setup.held !== undefined) held = openSync(`/proc/${pid}/root${setup.held}`, 'r');
            return program.interruption === null;
          });
    await closed;
    const ending = await ended;
    const refusal = decodeExecReport(process.arch, Buffer.concat(reported));
    if (refusal !== null) return refusal;
    if (failure === null || 'signal' in ending) return ending;
    if (program.interruption !== null) return { signal: program.interruption };
    // The terminal signals a separate job directly, without binfmtctl.
    const status = failure.status ?? ('status' in ending ? ending.status : 0);
    return status > 128 ? { status } : failure;
  } finally {
    release();
    if (held !== null) closeSync(held);
  }
}

function start({ command: [file, ...args], helper, setup }: Supervised): ChildProcess {
  const files = [helper];
  try {
    for (const text of setup?.texts ?? []) files.push(openText(text));
    return spawn(file, args, {
      env: toolEnvironment(),
      stdio:
        setup === undefined
          ? ['inherit', 'inherit', 'inherit', ...others(files)]
          : ['inherit', 'inherit', 'pipe', ...others(files, 2, { isJob: setup.isJob })],
    });
  } finally {
    for (const each of files) closeSync(each);
  }
}

/** The descriptors from 3 on; unused ones are closed. */
function others(
  [helper = 0, ...texts]: readonly number[],
  stderr?: number,
  { isJob = false }: { readonly isJob?: boolean | undefined } = {},
): readonly ('ignore' | 'pipe' | number)[] {
  const named = new Map<number, 'ignore' | 'pipe' | number>([
    ...(isJob ? [[IDLE_FD, 'pipe'] as const] : []),
    [HELPER_FD, helper],
    [STDERR_FD, stderr ?? 'ignore'],
    [ANSWERS_FD, 'pipe'],
    ...texts.map((text, index) => [TEXT_FDS[index] ?? 0, text] as const),
  ]);
  return Array.from({ length: ANSWERS_FD - 2 }, (_, index) => named.get(index + 3) ?? 'ignore');
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve({ errno: error.code ?? 'EIO' }));
    child.once('exit', (status, signal) => resolve(signal === null ? { status: status ?? 0 } : { signal }));
  });
}
