#!/usr/bin/env node
declare const BINFMTCTL_VERSION: string;

// Asked for by scripts that compare versions: answered before anything else is loaded.
const [only] = process.argv.slice(2);
if (process.argv.length === 3 && (only === '--version' || only === '-V')) {
  process.stdout.write(`${BINFMTCTL_VERSION}\n`);
} else {
  // Nobody may be reading any more (`| head`), or the log's disk be full: what was begun is ended all the same.
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') process.once('exit', () => (process.exitCode ||= 1));
  });
  void import('./run.ts')
    .then(({ runCommandLine }) => runCommandLine(process.argv.slice(2), BINFMTCTL_VERSION))
    .then((status) => {
      process.exitCode = status;
    });
}
