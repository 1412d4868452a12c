/**
 * Nobody may be reading any more (`| head`), or the log's disk be full: what was begun is ended all the same. Node makes
 * the streams when they are first asked for, in 3 ms: not before something is to be said.
 */
export function guardStreams(): void {
  if (process.stderr.listenerCount('error') > 0) return;
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') process.once('exit', () => (process.exitCode ||= 1));
  });
}
