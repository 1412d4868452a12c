/** `run` and `enter` of the library. */

import { type ArchLike, namesOf } from './arches.ts';
import { OPERATION_CHECKS, type OperationOptions } from './context.ts';
import {
  BOOLEAN,
  invalid,
  NUMBER,
  type OptionChecks,
  oneOf,
  parseArgument,
  parseOptions,
  RECORD,
  TEXT,
  TEXTS,
  toList,
  VARIABLES,
} from './options.ts';
import { type EmulatedProcess, type SubprocessOptions, startCommand } from './subprocess.ts';

/** Options of `run` and `enter`. */
export interface EmulationOptions extends Omit<OperationOptions, 'onProgress'> {
  /** Architectures of further programs that the program starts. Default: none. */
  readonly arches?: ArchLike | readonly ArchLike[] | undefined;
  /** Every architecture that an emulator is found for. Default: false. */
  readonly all?: boolean | undefined;
  /** Where emulators come from, in order, as for `install`. Default: this machine, then apt, then an OCI image that is pinned by digest. */
  readonly source?: string | readonly string[] | undefined;
  /** The only emulator to use. Default: QEMU, where it fits. */
  readonly emulator?: string | undefined;
  /** CPU model that QEMU emulates, such as `max`. Default: QEMU's own. */
  readonly cpu?: string | undefined;
  /** Accept emulators without a known sha256. Default: false. */
  readonly allowUnverified?: boolean | undefined;
  /** Options of execa for the process: `cwd`, `env`, `input`, `stdin`, `stdout`, `stderr`, `timeout`, `reject` … Default: none. */
  readonly subprocess?: SubprocessOptions | undefined;
}

/** Options of `run`. */
export interface RunOptions extends EmulationOptions {
  /** Directory with the loader and the libraries of a dynamic program. Default: none. */
  readonly sysroot?: string | undefined;
}

/** Options of `enter`. */
export interface EnterOptions extends EmulationOptions {
  /** Files and directories to mount inside, each `SRC[:DST][:ro]`. Default: none. */
  readonly binds?: string | readonly string[] | undefined;
  /** Environment variables of the program; they appear on no command line. Default: none. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** User inside: `NAME` or `UID`, with `:GROUP` or `:GID`. Default: root. */
  readonly user?: string | undefined;
  /** Working directory inside. Default: `/`. */
  readonly workdir?: string | undefined;
  /** Host name inside. Default: the machine's own. */
  readonly hostname?: string | undefined;
  /** Partition of a disk image. Default: the partition with the root file system. */
  readonly partition?: number | undefined;
  /** Mount the root file system read-only. Default: false. */
  readonly readOnly?: boolean | undefined;
  /** Discard all changes at the end. Default: false. */
  readonly ephemeral?: boolean | undefined;
  /** `host`, or `none` for a loopback device only. Default: `host`. */
  readonly network?: 'host' | 'none' | undefined;
}

const { onProgress: _, ...SHARED } = OPERATION_CHECKS;
const EMULATION_CHECKS: OptionChecks<EmulationOptions> = {
  ...SHARED,
  arches: { expected: 'a name, an Arch, or an array of them', accepts: (value) => value !== null },
  all: BOOLEAN,
  source: TEXTS,
  emulator: TEXT,
  cpu: TEXT,
  allowUnverified: BOOLEAN,
  subprocess: RECORD,
};
const RUN_CHECKS: OptionChecks<RunOptions> = { ...EMULATION_CHECKS, sysroot: TEXT };
const ENTER_CHECKS: OptionChecks<EnterOptions> = {
  ...EMULATION_CHECKS,
  binds: TEXTS,
  environment: VARIABLES,
  user: TEXT,
  workdir: TEXT,
  hostname: TEXT,
  partition: NUMBER,
  readOnly: BOOLEAN,
  ephemeral: BOOLEAN,
  network: oneOf('host', 'none'),
};

/**
 * Runs a program of any architecture, and the programs that it starts. Requires no root and leaves nothing behind. The process
 * exists when the function returns; it is also a promise of the result.
 *
 * @param command The program and its arguments.
 * @throws USAGE. The promise rejects with a `BinfmtctlError` if the program cannot be started, and with code INTERRUPTED once
 * the signal is aborted. It rejects with a `ProgramError` if the program fails.
 */
export function run(command: readonly string[], options: RunOptions = {}): EmulatedProcess {
  const given = parseOptions('run', options, RUN_CHECKS);
  const words = [...commonWords('run', given), ...valued({ sysroot: given.sysroot })];
  const [program, ...args] = parseCommand('run', command);
  if (program === undefined) throw invalid('run', 'command', command, COMMAND.expected);
  return startCommand({
    call: 'run',
    program,
    words: [...words, '--', program, ...args],
    ...processOf('run', given),
  });
}

/**
 * Runs a program inside a root file system of any architecture: a directory, an archive, an image or a disk image. Requires no
 * root for a directory of the caller's own.
 *
 * @param rootfs The root file system.
 * @param command The program and its arguments. Default: the user's shell.
 * @throws USAGE. The promise rejects as that of `run`.
 */
export function enter(
  rootfs: string,
  command: readonly string[] = [],
  options: EnterOptions = {},
): EmulatedProcess {
  const given = parseOptions('enter', options, ENTER_CHECKS);
  const root = parseArgument('enter', 'rootfs', rootfs, TEXT);
  const line = parseCommand('enter', command);
  const { user, workdir, hostname, partition, network, environment = {} } = given;
  const words = [
    ...commonWords('enter', given),
    ...repeated('bind', toList(given.binds)),
    ...valued({ user, workdir, hostname, partition: partition?.toString(), net: network }),
    ...flagged({ 'read-only': given.readOnly, ephemeral: given.ephemeral }),
    ...['--', root, ...line],
  ];
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return startCommand({
    call: 'enter',
    program: line[0] ?? 'the shell',
    words,
    variables,
    ...processOf('enter', given),
  });
}

const COMMAND = {
  expected: 'an array of strings: the program and its arguments',
  accepts: (value: unknown): boolean =>
    Array.isArray(value) &&
    value[0] !== '' &&
    value.every((word) => typeof word === 'string' && !word.includes('\0')),
};

const parseCommand = (call: string, command: readonly string[]): readonly string[] =>
  parseArgument(call, 'command', command, COMMAND);

/** Descriptors beyond the standard streams carry the report and the variables. */
const RESERVED = ['stdio', 'ipc', 'cancelSignal'];

function processOf(
  call: string,
  { subprocess = {}, signal }: EmulationOptions,
): { readonly subprocess: SubprocessOptions; readonly signal: AbortSignal | undefined } {
  const reserved = RESERVED.find((key) => Object.hasOwn(subprocess, key));
  if (reserved === undefined) return { subprocess, signal };
  const expected = reserved === 'cancelSignal' ? 'none: use signal' : 'none: use stdin, stdout and stderr';
  throw invalid(call, `subprocess.${reserved}`, subprocess[reserved], expected);
}

function commonWords(call: string, options: EmulationOptions): readonly string[] {
  const { arches = [], source, catalogue, emulator, cpu, store, binfmtDirectory } = options;
  return [
    ...repeated('arch', namesOf(call, 'arches', arches)),
    ...repeated('source', toList(source)),
    ...repeated('catalogue', toList(catalogue)),
    ...valued({ emulator, cpu, store, 'binfmt-dir': binfmtDirectory }),
    ...flagged({ all: options.all, 'allow-unverified': options.allowUnverified }),
  ];
}

const repeated = (name: string, values: readonly string[]): readonly string[] =>
  values.map((value) => `--${name}=${value}`);

const valued = (options: Readonly<Record<string, string | undefined>>): readonly string[] =>
  Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));

const flagged = (options: Readonly<Record<string, boolean | undefined>>): readonly string[] =>
  Object.entries(options).flatMap(([name, value]) => (value ? [`--${name}`] : []));
