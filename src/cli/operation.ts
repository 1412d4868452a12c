import { setMaxListeners } from 'node:events';
import type { Context } from '../context.ts';
import type { CommonOptions } from './common-options.ts';
import { openContext } from './context.ts';
import { asInterruption } from './failure.ts';
import { showProgress } from './output/progress.ts';
import { canDraw } from './output/terminal.ts';

// Ctrl-C, a polite kill, and a terminal that was closed.
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs an operation that changes something: shows its progress, and lets Ctrl-C and SIGTERM take it back. */
export async function withOperation<T>(
  options: CommonOptions,
  action: (context: Context) => Promise<T>,
): Promise<T> {
  const interruption = new AbortController();
  // Every program that is started listens to it, dozens at a time.
  setMaxListeners(0, interruption.signal);
  const interrupt = (signal: NodeJS.Signals): void => interruption.abort(signal);
  for (const signal of SIGNALS) process.on(signal, interrupt);
  const { quiet = false, verbose } = options;
  const show = await showProgress({ quiet, live: canDraw(process.stderr), verbose });
  try {
    const result = await action(await openContext(options, show.report, interruption.signal));
    await show.end(false);
    return result;
  } catch (failure) {
    await show.end(true);
    throw asInterruption(failure, interruption.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}
