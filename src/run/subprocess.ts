/** `run` and `enter` for programs: as processes of our own command, which watches over terminal, signals and mounts. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { execa, type Options } from 'execa';
import type { EmulatedArch, EmulatedFormat } from '../emulation/types.ts';
import { BinfmtctlError, type ErrorCode } from '../errors.ts';

/** Who runs what. */
export interface EmulationReport {
  readonly schema: 'binfmtctl/emulation/1';
  /** Whether there is an instance of binfmt_misc that only the program and its children have. */
  readonly private: boolean;
  readonly arches: readonly EmulatedArch[];
  /** Who runs a program that is not ELF. */
  readonly formats: readonly EmulatedFormat[];
  /** What is known to be wrong with the emulators. */
  readonly warnings: readonly string[];
}

/** How it ended, as execa has it: more of its properties are there. */
export interface EmulatedResult {
  /** The program's; 128+N for a signal N; 125 for a failure of ours, 126 and 127 as in shells. Absent where we were killed. */
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

/** A subprocess of execa, which is a promise of its result, too. It has the members of Node's `ChildProcess`. */
export interface EmulatedProcess extends Promise<EmulatedResult> {
  readonly pid?: number | undefined;
  /** Null unless it is a pipe. */
  readonly stdin: NodeJS.WritableStream | null;
  readonly stdout: NodeJS.ReadableStream | null;
  readonly stderr: NodeJS.ReadableStream | null;
  readonly exitCode: number | null;
  readonly signalCode: string | null;
  readonly killed: boolean;
  /** Sends a signal to the program; SIGTERM without one. False where it has ended. */
  kill(signal?: string | number): boolean;
  on(event: 'exit' | 'close', listener: (code: number | null, signal: string | null) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  once(event: 'exit' | 'close', listener: (code: number | null, signal: string | null) => void): this;
  once(event: 'error', listener: (error: Error) => void): this;
  /** Known before the program starts. Rejects with what kept it from that. */
  readonly emulation: Promise<EmulationReport>;
  readonly [Symbol.toStringTag]: string;
}

/** Options of execa: `cwd`, `env`, `input`, `stdin`, `stdout`, `stderr`, `timeout`, `cancelSignal`, `reject` … */
export type SubprocessOptions = Readonly<Record<string, unknown>>;

export interface RunOptions {
  /** Programs of these are run, too, in any spelling. */
  readonly arches?: readonly string[] | undefined;
  readonly all?: boolean | undefined;
  readonly sources?: readonly string[] | undefined;
  readonly emulator?: string | undefined;
  /** The CPU that QEMU emulates. */
  readonly cpu?: string | undefined;
  readonly allowUnverified?: boolean | undefined;
  readonly store?: string | undefined;
  readonly catalogue?: readonly string[] | undefined;
  readonly binfmtDirectory?: string | undefined;
  /** For `run`: a tree with the loader and libraries of a dynamic program. */
  readonly sysroot?: string | undefined;
  readonly subprocess?: SubprocessOptions | undefined;
}

export interface EnterOptions extends Omit<RunOptions, 'sysroot'> {
  /** Each `SRC[:DST][:ro]`. */
  readonly binds?: readonly string[] | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
  readonly hostname?: string | undefined;
  /** Of a disk image; its root where it is not named. */
  readonly partition?: number | undefined;
  readonly readOnly?: boolean | undefined;
  readonly ephemeral?: boolean | undefined;
  readonly network?: 'host' | 'none' | undefined;
}

/** A file beside this one; scripts/build.mjs makes it. */
const COMMAND = join(import.meta.dirname, 'cli.cjs');
/** Receives the report. */
const REPORT_FD = 3;
/** Carries variables: every user can read command lines, and our own environment would act on binfmtctl itself. */
const ENV_FD = 4;

/** Runs a program, foreign or not, and what it starts, with emulation. The process is there at once. */
export function run(
  program: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): EmulatedProcess {
  const words = [...commonWords(options), ...valued({ sysroot: options.sysroot })];
  return start(['run', ...words, '--', program, ...args], options.subprocess);
}

/** Runs a program, or with null the shell of the user, inside a root file system. The process is there at once. */
export function enter(
  rootfs: string,
  program: string | null = null,
  args: readonly string[] = [],
  options: EnterOptions = {},
): EmulatedProcess {
  const {
    binds,
    environment = {},
    user,
    workdir,
    hostname,
    partition,
    readOnly,
    ephemeral,
    network,
  } = options;
  const words = [
    ...commonWords(options),
    ...repeated('bind', binds),
    ...valued({ user, workdir, hostname, partition: partition?.toString(), net: network }),
    ...(readOnly ? ['--read-only'] : []),
    ...(ephemeral ? ['--ephemeral'] : []),
  ];
  const behind = program === null ? [] : [program, ...args];
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return start(['enter', ...words, '--', rootfs, ...behind], options.subprocess, variables);
}

function commonWords(options: RunOptions): readonly string[] {
  const { arches, all, sources, emulator, cpu, allowUnverified, store, catalogue, binfmtDirectory } = options;
  return [
    ...repeated('arch', arches),
    ...repeated('source', sources),
    ...repeated('catalogue', catalogue),
    ...valued({ emulator, cpu, store, 'binfmt-dir': binfmtDirectory }),
    ...(all ? ['--all'] : []),
    ...(allowUnverified ? ['--allow-unverified'] : []),
  ];
}

const repeated = (name: string, values: readonly string[] = []): readonly string[] =>
  values.map((value) => `--${name}=${value}`);

const valued = (options: Readonly<Record<string, string | undefined>>): readonly string[] =>
  Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));

function start(
  [command = '', ...words]: readonly string[],
  options: SubprocessOptions = {},
  variables: readonly string[] = [],
): EmulatedProcess {
  const { stdin = 'pipe', stdout = 'pipe', stderr = 'pipe', ...others } = options;
  const [given, inputs] =
    variables.length === 0
      ? [[], []]
      : [[`--env-fd=${ENV_FD}`], [new TextEncoder().encode(JSON.stringify(variables))]];
  const line = [COMMAND, command, `--emulation-fd=${REPORT_FD}`, ...given, ...words];
  const subprocess = execa(process.execPath, line, {
    ...others,
    stdio: [stdin, stdout, stderr, 'pipe', ...inputs] as NonNullable<Options['stdio']>,
  });
  const emulation = readReport(subprocess);
  // Who does not ask is told by the process itself.
  emulation.catch(() => {});
  return Object.assign(subprocess, { emulation }) as unknown as EmulatedProcess;
}

async function readReport({ stdio }: Pick<ChildProcess, 'stdio'>): Promise<EmulationReport> {
  const stream = stdio[REPORT_FD];
  const said =
    stream && 'read' in stream ? await text(stream as NodeJS.ReadableStream & AsyncIterable<Buffer>) : '';
  if (said === '') {
    throw new BinfmtctlError('PROCESS_FAILED', 'binfmtctl ended before it had found who runs the program', {
      hint: 'its standard error says why',
    });
  }
  const report = JSON.parse(said) as
    | EmulationReport
    | { code: ErrorCode; message: string; hint: string | null };
  if (!('code' in report)) return report;
  throw new BinfmtctlError(report.code, report.message, { hint: report.hint ?? undefined });
}
