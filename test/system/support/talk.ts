/** Interactive programs, through pipes or on a new terminal. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { afterAll } from 'vitest';

export interface Circumstances {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface End {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Talk {
  readonly pid: number;
  /** Writes to its standard input. */
  readonly say: (text: string) => void;
  /** Closes its standard input. */
  readonly hangUp: () => void;
  /** Waits until its new output matches the pattern; returns the match. */
  readonly hear: (pattern: RegExp) => Promise<string>;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<End>;
}

export const CTRL_C = '\x03';
export const CTRL_D = '\x04';
export const CTRL_Z = '\x1a';

/** Emulated programs may be slow. */
const PATIENCE_MS = 60_000;

const running = new Set<ChildProcess>();
// Programs of failed tests.
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

export function talkTo(command: readonly string[], { cwd, env = process.env }: Circumstances = {}): Talk {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: 'pipe', env, cwd });
  child.stdin.on('error', () => {});
  running.add(child);
  child.once('exit', () => running.delete(child));
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const ended = new Promise<End>((done, failed) => {
    child.once('error', failed);
    child.once('close', (status, signal) =>
      done({ status, signal, stdout: stdout.text(), stderr: stderr.text() }),
    );
  });
  let heard = 0;
  return {
    pid: child.pid ?? 0,
    say: (text) => child.stdin.write(text),
    hangUp: () => child.stdin.end(),
    hear: async (pattern) => {
      const found = await waitFor(
        pattern,
        () => stdout.text().slice(heard),
        child,
        () => stderr.text(),
      );
      heard += found.index + found[0].length;
      return found[0];
    },
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Runs in a new process group: SIGTSTP does not stop an orphaned one, as a test's may be (setpgid(2)). */
export const inOwnGroup = (command: readonly string[]): readonly string[] => [
  'perl',
  '-e',
  'setpgrp(0, 0); exec @ARGV',
  ...command,
];

/** As `talkTo`, on a terminal of script(1), which echoes the input. */
export const talkAtTerminal = (command: readonly string[], circumstances?: Circumstances): Talk =>
  talkTo(['script', '-qefc', command.map(quote).join(' '), '/dev/null'], circumstances);

/** Quotes a word for a shell. */
export const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

function collect(stream: Readable): { readonly text: () => string } {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  return { text: () => text };
}

function waitFor(
  pattern: RegExp,
  text: () => string,
  child: ChildProcess,
  complaints: () => string,
): Promise<RegExpExecArray> {
  return new Promise((done, failed) => {
    const fail = (why: string): void => {
      stop();
      failed(new Error(`${why} before ${pattern}: ${JSON.stringify(text())} ${complaints()}`));
    };
    const look = (): void => {
      const found = pattern.exec(text());
      if (found === null) return;
      stop();
      done(found);
    };
    const end = (): void => {
      look();
      fail('it ended');
    };
    const stop = (): void => {
      clearTimeout(timer);
      child.stdout?.off('data', look);
      child.off('close', end);
    };
    const timer = setTimeout(() => fail('time was up'), PATIENCE_MS);
    child.stdout?.on('data', look);
    child.once('close', end);
    if (child.exitCode !== null && child.stdout?.readableEnded) end();
    else look();
  });
}
