/**
 * Runs a program as if it had been started directly: with our terminal and streams, and with the signals that are sent to
 * us. The command executes a helper in the end, which executes the program. It may first set up what the program needs; then
 * it tells how far it is by its standard error, and gives the program ours, which it has as another descriptor
 * (plan/setup-script.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { decodeExecReport, type ExecFailure } from '../elf/exec-helper.ts';
import type { IdMaps } from '../plan/id-maps.ts';
import { ANSWERS, HELPER, STDERR, TEXTS } from '../plan/setup-script.ts';
import { followSetup, type SetupFailure } from './follow-setup.ts';
import type { Ending } from './foreground.ts';
import { handOnSignals, type Target } from './signals.ts';
import { openExecutable, openText } from './unnamed-file.ts';

export interface Supervised {
  /** Its tools have a clean environment: the helper has the program's. */
  readonly command: readonly [string, ...string[]];
  /** What it executes as HELPER_PATH (elf/exec-helper.ts). */
  readonly helper: Uint8Array;
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

/**
 * Ends with the program: its ending, or why it was not executed; a signal meanwhile counts as one to the program.
 *
 * @throws FILE_FAILED, READ_ONLY, NO_PRIVILEGE where no directory takes temporary files.
 */
export async function supervise({
  command,
  helper,
  setup,
}: Supervised): Promise<Ending | SetupFailure | ExecFailure> {
  const child = start(command, helper, setup);
  const reported: Uint8Array[] = [];
  const report = child.stdio[ANSWERS as never] as Readable;
  report.on('data', (bytes: Uint8Array) => reported.push(bytes));
  const shell = setup?.isJob ? (child.pid ?? null) : null;
  const program: Target = { pid: child.pid, shell, interruption: null };
  const release = handOnSignals(program);
  try {
    const ended = endingOf(child);
    const closed = new Promise((resolve) => child.once('close', resolve));
    const maps = setup?.maps ?? null;
    const failure =
      setup === undefined || child.pid === undefined
        ? null
        : await followSetup(child, maps, (pid) => {
            program.pid = pid;
            return program.interruption === null;
          });
    await closed;
    const ending = await ended;
    const refusal = decodeExecReport(process.arch, Buffer.concat(reported));
    if (refusal !== null) return refusal;
    if (failure === null || 'signal' in ending) return ending;
    if (program.interruption !== null) return { signal: program.interruption };
    // A terminal tells a job of its own, and not us.
    const status = failure.status ?? ('status' in ending ? ending.status : 0);
    return status > 128 ? { status } : failure;
  } finally {
    release();
  }
}

function start([file, ...args]: Supervised['command'], helper: Uint8Array, setup?: Setup): ChildProcess {
  const files: number[] = [];
  try {
    files.push(openExecutable(helper));
    for (const text of setup?.texts ?? []) files.push(openText(text));
    const { PATH } = process.env;
    return spawn(file, args, {
      // What tools complain of is read.
      env: { PATH, LC_ALL: 'C' },
      stdio:
        setup === undefined
          ? ['inherit', 'inherit', 'inherit', ...others(files)]
          : ['inherit', 'inherit', 'pipe', ...others(files, 2)],
    });
  } finally {
    for (const each of files) closeSync(each);
  }
}

/** From descriptor 3 on; those that are not named are closed. */
function others(
  [helper = 0, ...texts]: readonly number[],
  stderr?: number,
): readonly ('ignore' | 'pipe' | number)[] {
  const named = new Map<number, 'ignore' | 'pipe' | number>([
    [HELPER, helper],
    [STDERR, stderr ?? 'ignore'],
    [ANSWERS, 'pipe'],
    ...texts.map((text, index) => [TEXTS[index] ?? 0, text] as const),
  ]);
  return Array.from({ length: ANSWERS - 2 }, (_, index) => named.get(index + 3) ?? 'ignore');
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve({ errno: error.code ?? 'EIO' }));
    child.once('exit', (status, signal) => resolve(signal === null ? { status: status ?? 0 } : { signal }));
  });
}
