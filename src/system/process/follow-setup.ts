import type { ChildProcess } from 'node:child_process';
import { BinfmtctlError } from '../../errors.ts';
import type { IdMaps } from '../namespace/id-maps.ts';
import { ANSWERS_FD } from '../namespace/setup-script.ts';
import { writeIdMaps } from '../namespace/write-id-maps.ts';

/** Why a program was not even executed: the step at which its set-up failed, and what tools said of it. */
export interface SetupFailure {
  readonly failed: string;
  readonly complaint: string;
  /** What to do about it, where that is known. */
  readonly hint?: string | undefined;
  /** Exit status of the tool that failed: 128+N where signal N ended it, as Ctrl-C does. */
  readonly status?: number | undefined;
}

/**
 * Answers what a set-up asks for (namespace/setup-script.ts), until the child has closed its streams. Tells `onReady` the program's
 * process id just before it is executed, which may still refuse. Returns null, or why it was not executed.
 */
export async function followSetup(
  child: ChildProcess,
  maps: IdMaps | null,
  onReady: (pid: number) => boolean,
): Promise<SetupFailure | null> {
  const said: string[] = [];
  let isReady = false;
  let failed = 'namespaces';
  let status: number | undefined;
  let problem: unknown;
  const answers = (child.stdio as readonly unknown[])[ANSWERS_FD] as NodeJS.WritableStream;
  // It may end before it has read what we say.
  answers.on('error', () => {});
  const hear = (line: string): void => {
    // The shell with job control stops with its job, and our process group with it, as with every program of the terminal. The shell may be another user, who cannot stop us.
    if (line === 'stop') process.kill(0, 'SIGSTOP');
    // What the shell says after that is of no concern; but it must be able to say it.
    if (isReady) return;
    const [word, value = '', how] = line.split(' ');
    if (word === 'map' && maps !== null) {
      writeIdMaps(Number(value), maps).then(
        () => answers.write('go\n'),
        (error: unknown) => {
          problem = error;
          answers.end();
        },
      );
    } else if (word === 'lock') {
      answers.write('go\n');
    } else if (word === 'ready') {
      try {
        isReady = onReady(Number(value));
      } catch (error) {
        problem = error;
      }
      answers.end(isReady ? 'go\n' : '');
    } else if (word === 'failed') {
      failed = value;
      status = Number(how);
    } else if (line !== '') said.push(line);
  };
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) hear(line);
  });
  await new Promise((resolve) => child.once('close', resolve));
  if (problem instanceof BinfmtctlError)
    return { failed: 'maps', complaint: problem.message, hint: problem.hint };
  if (problem !== undefined) throw problem;
  return isReady ? null : { failed, status, complaint: [...said, rest].join('\n').trim() };
}
