/**
 * Assembles exec helpers: static programs that hold a path, arguments and an environment as data, and execute them. The tools
 * that run before a helper do not get the environment, no command line shows it, and every byte is kept.
 *
 * The code has no branches. Each call that must succeed before execve(2) stores its result, 0 on success, within an operand of
 * chdir or execve: any other value makes that call fail. At its end, the helper reports all results and exits.
 */
import { BinfmtctlError } from '../errors.ts';
import { assemble, type Step } from './assemble.ts';
import { HOST_ARCHES, type HostArch } from './exec-hosts.ts';
import { concat, dataAddress, encodeHead, headSize } from './executable.ts';
import { ISAS } from './isa/index.ts';
import { type Isa, MAX_CONSTANT } from './isa/types.ts';

/** A program to execute; no text has a NUL. */
export interface Execution {
  readonly path: Uint8Array;
  readonly argv: readonly Uint8Array[];
  /** Each `NAME=VALUE`. */
  readonly environment: readonly Uint8Array[];
  /** Makes the current directory the root, then changes to `workdir` in it and becomes `uid`. */
  readonly inside?: { readonly workdir: Uint8Array; readonly uid: number | null } | undefined;
}

/** Descriptors that the program does not get: the helper's own file, and where it reports a failure. */
export interface HelperDescriptors {
  readonly own: number;
  readonly report: number;
}

/** Which call failed, and its errno. */
export interface ExecFailure {
  readonly call: 'chroot' | 'setuid' | 'chdir' | 'execve';
  readonly errno: number;
}

/** Exit status of a helper whose execve(2) failed; the same as in shells. */
export const EXEC_FAILED = 126;

const CALLS = ['chroot', 'setuid', 'chdir', 'execve'] as const;

/** Offset of the data, in file and segment; the code is shorter. */
const DATA_OFFSET = 0x1000;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
/** Size of a result. */
const RESULT = 4;
const REPORT_SIZE = RESULT * CALLS.length;
/** Longer than a path can be (PATH_MAX); with a result, a multiple of a word. */
const TOO_LONG = 4096 + RESULT;

/**
 * Builds the executable file of a helper for a host. `arch` is Node's name for it (`process.arch`).
 *
 * @throws NO_TOOL for an unknown arch; PROGRAM_NOT_EXECUTABLE for too many arguments and variables.
 */
export function buildExecHelper(
  arch: string,
  execution: Execution,
  descriptors: HelperDescriptors,
): Uint8Array {
  const host = hostOf(arch);
  const { identity, flags } = host;
  const { bytes, places } = encodeData(host, execution);
  const isa = isaOf(host);
  const code = assemble(isa, stepsOf(host, execution, descriptors, places));
  const entry = headSize(identity.class);
  const segments = {
    entry,
    textSize: entry + code.length,
    data: { offset: DATA_OFFSET, fileSize: bytes.length, memorySize: bytes.length },
  };
  const text = concat([encodeHead(identity, flags, segments), code]);
  return concat([text, new Uint8Array(DATA_OFFSET - text.length), bytes]);
}

/** Decodes the report of a helper. Null if there is none, as when it executed the program. */
export function decodeExecReport(arch: string, report: Uint8Array): ExecFailure | null {
  if (report.length !== REPORT_SIZE) return null;
  const view = new DataView(report.buffer, report.byteOffset, report.length);
  const little = hostOf(arch).identity.byteOrder === 'little';
  // Some kernels return the errno as a negative number, others beside a flag.
  const results = CALLS.map((call, index) => ({
    call,
    errno: Math.abs(view.getInt32(index * RESULT, little)),
  }));
  return results.find(({ errno }) => errno !== 0) ?? null;
}

function hostOf(arch: string): HostArch {
  const host = HOST_ARCHES.get(arch);
  if (host !== undefined) return host;
  throw new BinfmtctlError('NO_TOOL', `there is no exec helper for Node on ${arch}`, {
    hint: `it works on ${[...HOST_ARCHES.keys()].join(', ')}`,
  });
}

function isaOf({ isa, identity }: HostArch): Isa {
  const found = ISAS.get(isa);
  if (found === undefined) throw new BinfmtctlError('BAD_PROFILE', `unknown instruction set: ${isa}`);
  return found(identity);
}

/** Addresses of the parts. */
interface Places {
  readonly argv: number;
  readonly environment: number;
  readonly path: number;
  readonly here: number;
  readonly workdir: number;
  /** Of the result of each call. */
  readonly results: Readonly<Record<ExecFailure['call'], number>>;
}

/** The tables come first: code can only address what is near the start. */
function encodeData({ identity }: HostArch, { path, argv, environment, inside }: Execution) {
  const word = identity.class / 8;
  const start = dataAddress(DATA_OFFSET);
  // The result of chdir follows the path: 0 terminates it, any other value makes it longer than the kernel accepts.
  const padding = (word - (path.length % word)) % word;
  const pathAt = start + word + padding;
  const argvAt = pathAt + path.length + RESULT + TOO_LONG;
  const environmentAt = argvAt + word * (argv.length + 1);
  const textsAt = environmentAt + word * (environment.length + 1);
  if (textsAt > MAX_CONSTANT) throw tooLong();
  const here = new TextEncoder().encode('.');
  const texts = [here, inside?.workdir ?? here, ...argv, ...environment];
  const addresses = addressesOf(texts, textsAt);
  const [hereAt = 0, workdir = 0, ...pointers] = addresses;
  const bytes = concat([
    new Uint8Array(word + padding),
    path,
    new Uint8Array(RESULT),
    new Uint8Array(TOO_LONG).fill(0x2f),
    encodeTable(identity, pointers.slice(0, argv.length)),
    encodeTable(identity, pointers.slice(argv.length)),
    ...texts.flatMap((text) => [text, Uint8Array.of(0)]),
  ]);
  const places: Places = {
    argv: argvAt,
    environment: environmentAt,
    path: pathAt,
    here: hereAt,
    workdir,
    results: {
      // In place of the NULL that ends a table: any other value is an invalid address (EFAULT).
      chroot: environmentAt - word,
      setuid: textsAt - word,
      chdir: pathAt + path.length,
      execve: start,
    },
  };
  return { bytes, places };
}

function stepsOf(
  { syscalls }: HostArch,
  { inside }: Execution,
  { own, report }: HelperDescriptors,
  { argv, environment, path, here, workdir, results }: Places,
): readonly Step[] {
  const call = (name: ExecFailure['call'], ...all: readonly number[]): Step => ({
    number: syscalls[name],
    arguments: all,
    result: results[name],
  });
  const { uid = null } = inside ?? {};
  return [
    { number: syscalls.fcntl, arguments: [report, F_SETFD, FD_CLOEXEC] },
    { number: syscalls.close, arguments: [own] },
    ...(inside === undefined ? [] : [call('chroot', here), call('chdir', workdir)]),
    ...(uid === null ? [] : [call('setuid', uid)]),
    call('execve', path, argv, environment),
    ...CALLS.map((name) => ({ number: syscalls.write, arguments: [report, results[name], RESULT] })),
    { number: syscalls.exit, arguments: [EXEC_FAILED] },
  ];
}

function addressesOf(texts: readonly Uint8Array[], start: number): readonly number[] {
  let at = start;
  return texts.map((text) => {
    const address = at;
    at += text.length + 1;
    return address;
  });
}

/** Pointers, terminated by NULL. */
function encodeTable({ class: elfClass, byteOrder }: HostArch['identity'], pointers: readonly number[]) {
  const bytes = new Uint8Array((pointers.length + 1) * (elfClass / 8));
  const view = new DataView(bytes.buffer);
  for (const [index, pointer] of pointers.entries()) {
    if (elfClass === 64) view.setBigUint64(index * 8, BigInt(pointer), byteOrder === 'little');
    else view.setUint32(index * 4, pointer, byteOrder === 'little');
  }
  return bytes;
}

const tooLong = (): BinfmtctlError =>
  new BinfmtctlError('PROGRAM_NOT_EXECUTABLE', 'there are too many arguments and variables', {
    hint: 'pass fewer of them',
  });
