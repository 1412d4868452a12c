/** What `run` and `enter` have in common: they get ready without a word, and end as the program does. */
import { setMaxListeners } from 'node:events';
import { closeSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { findArches } from '../../catalogue/resolve.ts';
import type { Context, Progress } from '../../context.ts';
import type { Emulation, EmulationRequest, RunBy } from '../../emulation/types.ts';
import { BinfmtctlError, isBinfmtctlError, isInterruption } from '../../errors.ts';
import type { Ending } from '../../system/process/foreground.ts';
import { closeInherited } from '../../system/process/inherited.ts';
import { toJson } from '../../text/json.ts';
import type { CommonOptions } from '../common-options.ts';
import { openContext } from '../context.ts';
import { asInterruption, exitStatusOf } from '../failure.ts';
import type { Show } from '../output/show.ts';
import { guardStreams } from '../output/streams.ts';
import { canDraw, onOneLine, paint, print, visible } from '../output/terminal.ts';

export interface EmulateOptions extends CommonOptions {
  readonly arch: readonly string[];
  readonly all?: boolean;
  readonly source: readonly string[];
  readonly emulator?: string;
  readonly cpu?: string;
  readonly allowUnverified?: boolean;
  readonly dryRun?: boolean;
  readonly emulationFd?: string;
}

/** As env(1) and chroot(1) have them. */
const OUR_FAILURE = 125;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

const INTERRUPTING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Prepares with progress and Ctrl-C, reports who runs what, and executes the program. Returns the exit status: the
 * program's, 128+N for a signal.
 */
export async function emulate<
  T extends { readonly emulation: Emulation; readonly refusal?: BinfmtctlError | undefined },
>(
  options: EmulateOptions,
  prepare: (request: EmulationRequest, context: Context) => Promise<T>,
  execute: (prepared: T, context: Context) => Promise<Ending>,
): Promise<number> {
  if (options.json && !options.dryRun) {
    throw new BinfmtctlError('USAGE', 'standard output is the program’s: --json goes with --dry-run', {
      hint: 'leave one of them out',
    });
  }
  const interruption = new AbortController();
  setMaxListeners(0, interruption.signal);
  const interrupt = (signal: NodeJS.Signals): void => interruption.abort(signal);
  for (const signal of INTERRUPTING) process.on(signal, interrupt);
  const { signal } = interruption;
  const progress = deferredProgress({ quiet: options.quiet === true });
  try {
    const context = await openContext(options, progress.report, signal);
    const prepared = await withProgress(prepare(requestOf(options, context), context), progress, signal);
    if (signal.aborted) return 128 + constants.signals[signal.reason as NodeJS.Signals];
    if (options.dryRun && prepared.refusal !== undefined) throw prepared.refusal;
    reportEmulation(prepared.emulation, options);
    if (options.dryRun) return 0;
    closeInherited();
    return statusOf(
      await execute(prepared, { ...context, report: warnings({ quiet: options.quiet === true }) }),
    );
  } finally {
    // Not before: what comes while nothing can be heard is heard by whoever carries it out.
    for (const each of INTERRUPTING) process.off(each, interrupt);
  }
}

async function withProgress<T>(preparation: Promise<T>, progress: Show, signal: AbortSignal): Promise<T> {
  try {
    const result = await preparation;
    await progress.end(false);
    return result;
  } catch (failure) {
    await progress.end(true);
    throw asInterruption(failure, signal);
  }
}

/** The variables that set the CPU model: QEMU reads them, and an entry has no place for it. @throws USAGE */
export function cpuVariables({ cpu, emulator }: EmulateOptions): readonly (readonly [string, string])[] {
  if (cpu === undefined) return [];
  if (cpu === '')
    throw new BinfmtctlError('USAGE', '--cpu is empty', {
      hint: 'pass a model, such as --cpu max, or omit it',
    });
  if (emulator !== undefined && emulator !== 'qemu')
    throw new BinfmtctlError('USAGE', `--cpu does not apply to ${emulator}`, {
      hint: 'only QEMU has CPU models: omit --cpu, or use --emulator qemu',
    });
  return [['QEMU_CPU', cpu]];
}

/** Exit status for a failure of `run` and `enter`. */
export function emulationFailure(failure: unknown): number {
  if (!isBinfmtctlError(failure)) return OUR_FAILURE;
  if (failure.code === 'PROGRAM_NOT_FOUND') return NOT_FOUND;
  if (failure.code === 'PROGRAM_NOT_EXECUTABLE') return NOT_EXECUTABLE;
  return isInterruption(failure) ? exitStatusOf(failure) : OUR_FAILURE;
}

const requestOf = (options: EmulateOptions, { catalogue }: Context): EmulationRequest => ({
  arches: options.arch.length === 0 ? [] : findArches(catalogue, options.arch),
  withReport: options.dryRun === true || options.verbose === true || options.emulationFd !== undefined,
  all: options.all === true,
  sources: options.source,
  emulator: options.emulator,
  allowUnverified: options.allowUnverified,
});

function reportEmulation(emulation: Emulation, { dryRun, json, verbose, emulationFd }: EmulateOptions): void {
  const { arches, formats, rules, warnings: warningReporter } = emulation;
  const document = {
    schema: 'binfmtctl/emulation/1',
    private: rules !== null,
    arches,
    formats,
    warnings: warningReporter,
  };
  if (emulationFd !== undefined) writeAndClose(emulationFd, document);
  if (dryRun || verbose) guardStreams();
  if (dryRun && json) process.stdout.write(`${toJson(document)}\n`);
  else if (dryRun) print(linesOf(emulation).join(''));
  else if (verbose) print(linesOf(emulation).join(''), process.stderr);
}

/** Writes the failure to the descriptor of --emulation-fd, if there is one. */
export function reportFailure(failure: unknown, { emulationFd }: Pick<EmulateOptions, 'emulationFd'>): void {
  if (emulationFd === undefined) return;
  const { code, message, hint } = isBinfmtctlError(failure)
    ? failure
    : { code: 'BUG', message: String(failure), hint: undefined };
  try {
    writeAndClose(emulationFd, { schema: 'binfmtctl/error/1', code, message, hint: hint ?? null });
  } catch {
    // The emulation was reported there; the failure came later.
  }
}

/** The program is not to have it, too. @throws USAGE for what is no open descriptor. */
function writeAndClose(descriptor: string, document: unknown): void {
  try {
    writeSync(Number(descriptor), JSON.stringify(document));
    closeSync(Number(descriptor));
  } catch (cause) {
    throw new BinfmtctlError('USAGE', `--emulation-fd ${descriptor} cannot be written to`, {
      hint: 'give it the number of an open descriptor',
      cause,
    });
  }
}

function linesOf({ arches, formats, warnings }: Emulation): readonly string[] {
  const others = formats.map(
    ({ format, by, entry, emulator }) =>
      `${format ?? 'program'}: ${visible(emulator ?? '')}, ${howOf(by, entry)}\n`,
  );
  const lines = arches.map(({ arch, by, entry, emulator, version }) => {
    if (by === 'machine') return `${arch}: this machine itself\n`;
    const what = [emulator, version].filter((each) => each !== null).join(' ');
    return `${arch}: ${visible(what)}, ${howOf(by, entry)}\n`;
  });
  return [...lines, ...others, ...warnings.map((text) => `warning: ${onOneLine(text)}\n`)];
}

function howOf(by: RunBy, entry: string | null): string {
  if (by === 'entry') return `by entry ${visible(entry ?? '')}`;
  if (by === 'shell') return 'for a text without a #! line';
  if (by === 'proot') return 'by proot';
  return by === 'emulator' ? 'started directly, without an entry' : 'by an entry of its own';
}

/** The exit status for an ending, as shells have it. */
export function statusOf(ending: Ending): number {
  if ('status' in ending) return ending.status;
  if ('signal' in ending) return 128 + constants.signals[ending.signal];
  return ending.errno === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE;
}

const warnings =
  ({ quiet }: { readonly quiet: boolean }) =>
  (progress: Progress): void => {
    if (progress.kind !== 'warning' || quiet) return;
    guardStreams({ silent: true });
    print(`${paint('yellow', 'warning:')} ${onOneLine(progress.text)}\n`, process.stderr);
  };

/** Looking for emulators takes no time that anybody would notice; fetching one does. */
function deferredProgress({ quiet }: { readonly quiet: boolean }): Show {
  let show: Promise<Show> | undefined;
  let queue = Promise.resolve();
  const warn = warnings({ quiet });
  return {
    report: (progress) => {
      if (progress.kind === 'warning' && show === undefined) return warn(progress);
      if (progress.kind === 'failed' || (progress.kind !== 'warning' && progress.stage === 'find')) return;
      guardStreams({ silent: true });
      const live = canDraw(process.stderr);
      show ??= import('../parts/operations.ts').then(({ showProgress }) => showProgress({ quiet, live }));
      const shown = show;
      queue = queue.then(async () => (await shown).report(progress));
    },
    end: async (failed) => {
      await queue;
      await (await show)?.end(failed);
    },
  };
}
