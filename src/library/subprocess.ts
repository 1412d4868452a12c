/** Processes of the command itself, for `run` and `enter`: it manages the terminal, signals and mounts. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { execa, type Options } from 'execa';
import type { EmulatedArch, EmulatedFormat } from '../emulation/types.ts';
import { BinfmtctlError, type ErrorCode, isBinfmtctlError } from '../errors.ts';
import { ProgramError } from './program-error.ts';

/** Which emulator runs which programs of a process. */
export interface EmulationReport {
  readonly schema: 'binfmtctl/emulation/1';
  /** Whether the program and its children have a binfmt_misc instance of their own. */
  readonly private: boolean;
  readonly arches: readonly EmulatedArch[];
  /** How programs that are not ELF are run. */
  readonly formats: readonly EmulatedFormat[];
  /** Known faults of the emulators. */
  readonly warnings: readonly string[];
}

/** How a process ended: a result of execa, which has further properties. */
export interface EmulatedResult {
  /** The program's exit status; 128+N for signal N; 125 if binfmtctl failed; 126 and 127 as in shells. Absent if binfmtctl itself was killed. */
  readonly exitCode?: number;
  readonly signal?: string;
  readonly stdout?: unknown;
  readonly stderr?: unknown;
  readonly failed: boolean;
  readonly timedOut: boolean;
  readonly isCanceled: boolean;
}

// With @types/node these are its interfaces; the published types compile without it, too.
declare global {
  namespace NodeJS {
    interface ReadableStream {}
    interface WritableStream {}
  }
}

/** A running program: a subprocess of execa, with the members of Node's `ChildProcess`, and a promise of its result. */
export interface EmulatedProcess extends Promise<EmulatedResult> {
  readonly pid?: number | undefined;
  /** Null if it is not a pipe; so are `stdout` and `stderr`. */
  readonly stdin: NodeJS.WritableStream | null;
  readonly stdout: NodeJS.ReadableStream | null;
  readonly stderr: NodeJS.ReadableStream | null;
  readonly exitCode: number | null;
  readonly signalCode: string | null;
  readonly killed: boolean;
  /** Sends a signal to the program, SIGTERM by default. Returns false if it has ended. */
  kill(signal?: string | number): boolean;
  on(event: 'exit' | 'close', listener: (code: number | null, signal: string | null) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  once(event: 'exit' | 'close', listener: (code: number | null, signal: string | null) => void): this;
  once(event: 'error', listener: (error: Error) => void): this;
  /** Resolves before the program starts. Rejects with a `BinfmtctlError` if the program cannot be started. */
  readonly emulation: Promise<EmulationReport>;
  readonly [Symbol.toStringTag]: string;
}

/** Options of execa: `cwd`, `env`, `input`, `stdin`, `stdout`, `stderr`, `timeout`, `reject` … */
export type SubprocessOptions = Readonly<Record<string, unknown>>;

/** A file beside this one; scripts/build.mjs makes it. */
const COMMAND = join(import.meta.dirname, 'cli.cjs');
/** Receives the report. */
const REPORT_FD = 3;
/** Carries variables: every user can read command lines, and our own environment would act on binfmtctl itself. */
const ENV_FD = 4;

export interface EmulatedCommand {
  /** The function that was called. */
  readonly call: 'run' | 'enter';
  /** How messages name the program. */
  readonly program: string;
  /** The command line after the name of the command. */
  readonly words: readonly string[];
  /** Environment variables of the program, each `NAME=VALUE`. */
  readonly variables?: readonly string[];
  readonly subprocess: SubprocessOptions;
  readonly signal: AbortSignal | undefined;
}

/** Starts the command. The process exists when the function returns. */
export function startCommand({
  call,
  program,
  words,
  variables = [],
  subprocess: options,
  signal,
}: EmulatedCommand): EmulatedProcess {
  const { stdin = 'pipe', stdout = 'pipe', stderr = 'pipe', ...others } = options;
  const [given, inputs] =
    variables.length === 0
      ? [[], []]
      : [[`--env-fd=${ENV_FD}`], [new TextEncoder().encode(JSON.stringify(variables))]];
  const line = [COMMAND, call, `--emulation-fd=${REPORT_FD}`, ...given, ...words];
  const subprocess = execa(process.execPath, line, {
    ...others,
    ...(signal && { cancelSignal: signal }),
    stdio: [stdin, stdout, stderr, 'pipe', ...inputs] as NonNullable<Options['stdio']>,
  });
  const emulation = readReport(subprocess);
  // The process itself reports the failure to callers that do not ask.
  emulation.catch(() => {});
  const result = subprocess.catch(async (failure: unknown) => {
    throw await explain(failure, emulation, { program, signal });
  });
  const promise = {
    // biome-ignore lint/suspicious/noThenProperty: like execa's, the process is a promise of its result.
    then: result.then.bind(result),
    catch: result.catch.bind(result),
    finally: result.finally.bind(result),
  };
  return Object.assign(subprocess, promise, { emulation }) as unknown as EmulatedProcess;
}

/** The error to reject with: why the program did not start, or how it failed. */
async function explain(
  failure: unknown,
  emulation: Promise<unknown>,
  { program, signal }: Pick<EmulatedCommand, 'program' | 'signal'>,
): Promise<unknown> {
  if (signal?.aborted)
    return new BinfmtctlError('INTERRUPTED', `${program} was interrupted`, { cause: signal.reason });
  const refusal: unknown = await emulation.then(
    () => null,
    (error: unknown) => error,
  );
  if (isBinfmtctlError(refusal) && refusal.code !== 'PROCESS_FAILED') return refusal;
  // Errors of execa have the properties of its results.
  return failure instanceof Error && 'timedOut' in failure
    ? new ProgramError(program, failure as unknown as EmulatedResult)
    : failure;
}

async function readReport({ stdio }: Pick<ChildProcess, 'stdio'>): Promise<EmulationReport> {
  const stream = stdio[REPORT_FD];
  const said =
    stream && 'read' in stream ? await text(stream as NodeJS.ReadableStream & AsyncIterable<Buffer>) : '';
  if (said === '') {
    throw new BinfmtctlError(
      'PROCESS_FAILED',
      'binfmtctl ended before it reported the emulator of the program',
      {
        hint: 'its standard error says why',
      },
    );
  }
  const report = JSON.parse(said) as
    | EmulationReport
    | { code: ErrorCode; message: string; hint: string | null };
  if (!('code' in report)) return report;
  throw new BinfmtctlError(report.code, report.message, { hint: report.hint ?? undefined });
}
