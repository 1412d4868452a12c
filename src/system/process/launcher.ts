/**
 * A program of its own, for machines without a shell: starts programs side by side and prints `start NAME PID` and
 * `end NAME STATUS` for each, as `sh` does for `runProbes`. Its only argument is the list of launches, as JSON.
 */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { constants } from 'node:os';

export interface Launch {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly argv0?: string | undefined;
  /** Ours, or an empty one. */
  readonly stdin: 'inherit' | 'ignore';
  /** What it writes goes to the files of this name with `.out` and `.err`. */
  readonly output: string;
}

/** As shells have it: what is not there, and what cannot be executed. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

for (const launch of JSON.parse(process.argv[2] ?? '[]') as Launch[]) begin(launch);

function begin({ name, file, args, argv0, stdin, output }: Launch): void {
  const outputs = [openSync(`${output}.out`, 'w'), openSync(`${output}.err`, 'w')] as const;
  const child = spawn(file, args, { argv0, stdio: [stdin, ...outputs] });
  if (child.pid !== undefined) say(`start ${name} ${child.pid}`);
  child.once('error', ({ code }: NodeJS.ErrnoException) =>
    say(`end ${name} ${code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE}`),
  );
  child.once('exit', (status, signal) =>
    say(`end ${name} ${signal === null ? status : 128 + constants.signals[signal]}`),
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
