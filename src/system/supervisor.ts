/**
 * Runs a program as if it had been started directly: with our terminal and streams, in our process group, and with the
 * signals that are sent to us. The command may first set up what the program needs; then it tells how far it is by its
 * standard error, and gives the program ours, which it has as another descriptor (plan/setup-script.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { IdMaps } from '../plan/id-maps.ts';
import { ANSWERS, STDERR, TEXTS } from '../plan/setup-script.ts';
import type { Ending } from './foreground.ts';
import { writeIdMaps } from './id-maps.ts';

export interface Supervised {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What the program is told to be called, where that is not `command[0]`. */
  readonly argv0?: string | undefined;
  /** For a command that sets up: the id maps of the user namespace that it makes, or null where it makes none. */
  readonly setup?:
    | {
        readonly maps: IdMaps | null;
        /** What it reads from the descriptors TEXTS, as files. */
        readonly texts?: readonly string[] | undefined;
      }
    | undefined;
  /** Called once the program is about to be executed. */
  readonly onReady?: ((notes: readonly string[]) => void) | undefined;
}

/** Why a program was not even executed: the step at which its set-up failed, and what tools said of it. */
export interface SetupFailure {
  readonly failed: string;
  readonly complaint: string;
}

/** Sent to us alone, as by `kill`: the program gets them, too. */
const HANDED_ON = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;
/** The terminal sends these to the whole process group, and so to the program. */
const OF_TERMINALS = ['SIGINT', 'SIGQUIT', 'SIGTSTP'] as const;

/** Ends with the program: its ending, or why it was not executed. @throws what writing the id maps does. */
export async function supervise(launch: Supervised): Promise<Ending | SetupFailure> {
  const { command, environment, argv0, setup } = launch;
  const [file, ...args] = command;
  const texts = (setup?.texts ?? []).map(openText);
  const child = spawn(file, args, {
    argv0,
    env: { ...environment },
    stdio: setup === undefined ? 'inherit' : ['inherit', 'inherit', 'pipe', ...others(texts)],
  });
  for (const text of texts) closeSync(text);
  const program = { pid: child.pid };
  const release = handOnSignals(program);
  try {
    const ended = endingOf(child);
    if (setup === undefined || child.pid === undefined) return await ended;
    const failure = await followSetup(child, setup.maps, (pid, notes) => {
      program.pid = pid;
      launch.onReady?.(notes);
    });
    const ending = await ended;
    return failure() ?? ending;
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

/** A text as a file without a name, so that none is left behind. */
function openText(text: string): number {
  // open(2): O_TMPFILE, which Node has no name for; with O_DIRECTORY, so that kernels without it refuse.
  const file = openSync(tmpdir(), constants.O_RDWR | constants.O_DIRECTORY | 0o20000000, 0o644);
  writeSync(file, text);
  return file;
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve({ errno: error.code ?? 'EIO' }));
    child.once('exit', (status, signal) => resolve(signal === null ? { status: status ?? 0 } : { signal }));
  });
}

/** Answers what a set-up asks for. Once it has ended, the returned function tells why the program was not executed, or null. */
async function followSetup(
  child: ChildProcess,
  maps: IdMaps | null,
  onReady: (pid: number, notes: readonly string[]) => void,
): Promise<() => SetupFailure | null> {
  const said: string[] = [];
  let state: 'setting up' | 'ready' = 'setting up';
  let failed = 'namespaces';
  let problem: unknown;
  const answers = (child.stdio as readonly unknown[])[ANSWERS] as NodeJS.WritableStream;
  // It may end before it has read what we say.
  answers.on('error', () => {});
  const hear = (line: string): void => {
    const [word, value = ''] = line.split(' ');
    // What the shell says after that is of no concern; but it must be able to say it.
    if (state === 'ready') return;
    if (word === 'map' && value === '' && maps !== null) {
      failed = 'maps';
      writeIdMaps(child.pid ?? 0, maps).then(
        () => answers.write('go\n'),
        (error: unknown) => {
          problem = error;
          child.kill('SIGKILL');
        },
      );
      failed = 'namespaces';
    } else if (word === 'ready') {
      state = 'ready';
      onReady(Number(value) || (child.pid ?? 0), said);
      answers.end('go\n');
    } else if (word === 'failed') failed = value;
    else if (line !== '') said.push(line);
  };
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) hear(line);
  });
  await new Promise((resolve) => child.once('close', resolve));
  if (problem !== undefined) throw problem;
  return () => (state === 'ready' ? null : { failed, complaint: [...said, rest].join('\n').trim() });
}

/** Until released, signals to us are signals to the program, which may be another process than our child. */
function handOnSignals(program: { readonly pid: number | undefined }): () => void {
  const send = (signal: NodeJS.Signals): void => {
    try {
      if (program.pid !== undefined) process.kill(program.pid, signal);
    } catch {
      // It has ended in the meantime.
    }
  };
  const onTerminalSignal = (signal: NodeJS.Signals): void => {
    if (!inForeground()) send(signal);
    if (signal === 'SIGTSTP') process.kill(process.pid, 'SIGSTOP');
  };
  for (const signal of HANDED_ON) process.on(signal, send);
  for (const signal of OF_TERMINALS) process.on(signal, onTerminalSignal);
  return () => {
    for (const signal of HANDED_ON) process.off(signal, send);
    for (const signal of OF_TERMINALS) process.off(signal, onTerminalSignal);
  };
}

/** Whether our process group is the one that the terminal sends its signals to: fields 5 and 8 of proc_pid_stat(5). */
function inForeground(): boolean {
  const text = readFileSync('/proc/self/stat', 'latin1');
  const [, , group, , , foreground] = text.slice(text.lastIndexOf(')') + 1).split(' ');
  return group === foreground;
}
