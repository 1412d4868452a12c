import type { ChildProcess } from 'node:child_process';
import { BinfmtctlError } from '../../errors.ts';
import type { IdMaps } from '../namespace/id-maps.ts';
import { ANSWERS_FD } from '../namespace/setup-script.ts';
import { writeIdMaps } from '../namespace/write-id-maps.ts';

/** Why a program was not executed: the failed step of its setup, and the error messages of tools. */
export interface SetupFailure {
  readonly failed: string;
  readonly complaint: string;
  readonly hint?: string | undefined;
  /** Exit status of the failed tool: 128+N if signal N killed it, as Ctrl-C does. */
  readonly status?: number | undefined;
}

/**
 * Answers the requests of a setup script (namespace/setup-script.ts) until the child closes its streams. Calls `onReady` with the
 * program's process ID just before the execution, which `onReady` may still refuse. Returns null, or why the program was not executed.
 */
export async function followSetup(
  child: ChildProcess,
  maps: IdMaps | null,
  onReady: (pid: number) => boolean,
): Promise<SetupFailure | null> {
  const messages: string[] = [];
  let isReady = false;
  let failed = 'namespaces';
  let status: number | undefined;
  let problem: unknown;
  const answers = (child.stdio as readonly unknown[])[ANSWERS_FD] as NodeJS.WritableStream;
  // The script may end before it reads an answer.
  answers.on('error', () => {});
  const handle = (line: string): void => {
    // When a job stops, the shell stops, and this process group must stop, too. The shell cannot stop the group itself, because
    // it may run as another user.
    if (line === 'stop') process.kill(0, 'SIGSTOP');
    // Later messages of the shell are read but ignored.
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
    } else if (line !== '') messages.push(line);
  };
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) handle(line);
  });
  await new Promise((resolve) => child.once('close', resolve));
  if (problem instanceof BinfmtctlError)
    return { failed: 'maps', complaint: problem.message, hint: problem.hint };
  if (problem !== undefined) throw problem;
  return isReady ? null : { failed, status, complaint: [...messages, rest].join('\n').trim() };
}
