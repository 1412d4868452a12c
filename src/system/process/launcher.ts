/**
 * A separate program for machines without a shell: starts programs in parallel and prints `start NAME PID` and
 * `end NAME STATUS` for each, like the shell script of `runProbes`. Its only argument is the list of launches as JSON.
 */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { constants } from 'node:os';

export interface Launch {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly argv0?: string | undefined;
  /** Inherited, or empty. */
  readonly stdin: 'inherit' | 'ignore';
  /** Path prefix of the output files, which end with `.out` and `.err`. */
  readonly output: string;
}

/** Exit statuses of shells. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

for (const launch of JSON.parse(process.argv[2] ?? '[]') as Launch[]) start(launch);

function start({ name, file, args, argv0, stdin, output }: Launch): void {
  const outputs = [openSync(`${output}.out`, 'w'), openSync(`${output}.err`, 'w')] as const;
  const child = spawn(file, args, { argv0, stdio: [stdin, ...outputs] });
  if (child.pid !== undefined) print(`start ${name} ${child.pid}`);
  child.once('error', ({ code }: NodeJS.ErrnoException) =>
    print(`end ${name} ${code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE}`),
  );
  child.once('exit', (status, signal) =>
    print(`end ${name} ${signal === null ? status : 128 + constants.signals[signal]}`),
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
