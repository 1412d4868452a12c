/**
 * Runs a program as if it had been started directly: with our terminal and streams, and with the signals that are sent to
 * us. The command may first set up what the program needs; then it tells how far it is by its standard error, and gives the
 * program ours, which it has as another descriptor (plan/setup-script.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { IdMaps } from '../plan/id-maps.ts';
import { ANSWERS, STDERR, TEXTS } from '../plan/setup-script.ts';
import { fileError } from './file-error.ts';
import { followSetup, type SetupFailure } from './follow-setup.ts';
import type { Ending } from './foreground.ts';
import { handOnSignals, type Target } from './signals.ts';

export interface Supervised {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For a command that sets up. */
  readonly setup?: Setup | undefined;
}

export interface Setup {
  /** Id maps of the user namespace that it makes; null where it makes none. */
  readonly maps: IdMaps | null;
  /** What it reads from the descriptors TEXTS, as files. */
  readonly texts?: readonly string[] | undefined;
  /** Whether the command is a shell with job control, and the program a job of it. */
  readonly isJob?: boolean | undefined;
}

/** Ends with the program: its ending, or why it was not executed; a signal meanwhile counts as one to the program. */
export async function supervise({ command, environment, setup }: Supervised): Promise<Ending | SetupFailure> {
  const [file, ...args] = command;
  const texts = (setup?.texts ?? []).map(openText);
  const child = spawn(file, args, {
    env: { ...environment },
    stdio: setup === undefined ? 'inherit' : ['inherit', 'inherit', 'pipe', ...others(texts)],
  });
  for (const text of texts) closeSync(text);
  const shell = setup?.isJob ? (child.pid ?? null) : null;
  const program: Target = { pid: child.pid, shell, interruption: null };
  const release = handOnSignals(program);
  try {
    const ended = endingOf(child);
    if (setup === undefined || child.pid === undefined) return await ended;
    const failure = await followSetup(child, setup.maps, (pid) => {
      program.pid = pid;
      return program.interruption === null;
    });
    const ending = await ended;
    if (failure === null || 'signal' in ending) return ending;
    if (program.interruption !== null) return { signal: program.interruption };
    // A terminal tells a job of its own, and not us.
    const status = failure.status ?? ('status' in ending ? ending.status : 0);
    return status > 128 ? { status } : failure;
  } finally {
    release();
  }
}

/** From descriptor 3 on; those that are not named stay as they are. */
function others(texts: readonly number[]): ('ignore' | 'pipe' | number)[] {
  const named = new Map<number, 'pipe' | number>([
    [STDERR, 2],
    [ANSWERS, 'pipe'],
    ...texts.map((text, index) => [TEXTS[index] ?? 0, text] as const),
  ]);
  return Array.from({ length: ANSWERS - 2 }, (_, index) => named.get(index + 3) ?? 'ignore');
}

/**
 * A text as a file without a name, so that none is left behind. Where TMPDIR is missing, full, or of a kind that has no such
 * files, another folder serves as well. @throws FILE_FAILED, READ_ONLY, NO_PRIVILEGE where none does.
 */
function openText(text: string): number {
  const failures: unknown[] = [];
  for (const folder of [tmpdir(), '/dev/shm', '/tmp', '/var/tmp']) {
    try {
      return openTextIn(folder, text);
    } catch (error) {
      failures.push(error);
    }
  }
  throw fileError(failures[0], `make a temporary file in ${tmpdir()}`);
}

function openTextIn(folder: string, text: string): number {
  // open(2): O_TMPFILE, which Node has no name for; with O_DIRECTORY, so that kernels without it refuse.
  const file = openSync(folder, constants.O_RDWR | constants.O_DIRECTORY | 0o20000000, 0o644);
  try {
    writeFileSync(file, text);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve({ errno: error.code ?? 'EIO' }));
    child.once('exit', (status, signal) => resolve(signal === null ? { status: status ?? 0 } : { signal }));
  });
}
